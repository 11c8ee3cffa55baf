// Where layers are, as the compositor reckons it, and what dragging makes of it. Pure. A matrix is
// [a, b, c, d, e, f] as in SVG; a box is what handles are round: the layer's own, or its bounds.

export const IDENTITY = [1, 0, 0, 1, 0, 0];

export const times = ([a, b, c, d, e, f], [g, h, i, j, k, l]) => [
  a * g + c * h, b * g + d * h, a * i + c * j, b * i + d * j, a * k + c * l + e, b * k + d * l + f,
];

export const at = ([a, b, c, d, e, f], [x, y]) => [a * x + c * y + e, b * x + d * y + f];

export function inverse([a, b, c, d, e, f]) {
  const size = a * d - b * c;
  if (Math.abs(size) < 1e-9) return null;
  return [d / size, -b / size, -c / size, a / size, (c * f - d * e) / size, (b * e - a * f) / size];
}

const radians = (degrees) => (degrees * Math.PI) / 180;
const round = (value) => Math.round(value * 1000) / 1000;

// Turned and scaled, without where it is.
function linear({ rotation, scale_x, scale_y }) {
  const [sin, cos] = [Math.sin(radians(rotation)), Math.cos(radians(rotation))];
  return [cos * scale_x, sin * scale_x, -sin * scale_y, cos * scale_y, 0, 0];
}

export const boxOf = (transform, size) => (transform.bounds ? [transform.bounds.width, transform.bounds.height] : size);

// From the box to what the layer is in.
export function matrixOf(transform, [width, height]) {
  const turned = linear(transform);
  const [x, y] = at(turned, [width * transform.anchor.x, height * transform.anchor.y]);
  return [...turned.slice(0, 4), transform.x - x, transform.y - y];
}

// The transform with which the box's point `point` is at `where`.
function pinned(transform, [width, height], point, where) {
  const { anchor } = transform;
  const [x, y] = at(linear(transform), [width * anchor.x - point[0], height * anchor.y - point[1]]);
  return { ...transform, x: round(where[0] + x), y: round(where[1] + y) };
}

export const moved = (transform, [dx, dy]) => ({ ...transform, x: round(transform.x + dx), y: round(transform.y + dy) });

// `handle` is [-1 | 0 | 1, -1 | 0 | 1]: which corner or side is drawn to `to`; the opposite one stays.
export function resized(transform, box, handle, to, free) {
  const far = [0, 1].map((n) => (box[n] * (1 - handle[n])) / 2);
  const near = [0, 1].map((n) => (box[n] * (1 + handle[n])) / 2);
  const fixed = at(matrixOf(transform, box), far);
  const upright = inverse(linear({ ...transform, scale_x: 1, scale_y: 1 }));
  const way = at(upright, [to[0] - fixed[0], to[1] - fixed[1]]);
  const scale = [transform.scale_x, transform.scale_y];
  let factor = [0, 1].map((n) => (handle[n] === 0 ? 1 : way[n] / ((near[n] - far[n]) * scale[n])));
  if (!free && handle[0] !== 0 && handle[1] !== 0) {
    const larger = Math.abs(factor[0]) > Math.abs(factor[1]) ? factor[0] : factor[1];
    factor = [Math.abs(larger), Math.abs(larger)];
  }
  factor = factor.map((own) => (Math.abs(own) < 0.01 ? 0.01 : own));
  if (transform.bounds) {
    const [width, height] = [0, 1].map((n) => Math.min(4096, Math.max(1, round(box[n] * Math.abs(factor[n])))));
    const grown = { ...transform, bounds: { ...transform.bounds, width, height } };
    const kept = [0, 1].map((n) => ([width, height][n] * (1 - handle[n])) / 2);
    return pinned(grown, [width, height], kept, fixed);
  }
  const grown = { ...transform, scale_x: round(scale[0] * factor[0]), scale_y: round(scale[1] * factor[1]) };
  return pinned(grown, box, far, fixed);
}

// Turned by `degrees` round the middle of its box.
export function rotated(transform, box, degrees) {
  const middle = [box[0] / 2, box[1] / 2];
  const where = at(matrixOf(transform, box), middle);
  return pinned({ ...transform, rotation: round(degrees) }, box, middle, where);
}

export const cornersOf = (matrix, [width, height]) =>
  [[0, 0], [width, 0], [width, height], [0, height]].map((corner) => at(matrix, corner));

export function boundsOf(points) {
  const [xs, ys] = [points.map(([x]) => x), points.map(([, y]) => y)];
  return { left: Math.min(...xs), right: Math.max(...xs), top: Math.min(...ys), bottom: Math.max(...ys) };
}

export function isIn(matrix, [width, height], point) {
  const back = inverse(matrix);
  if (!back) return false;
  const [x, y] = at(back, point);
  return x >= 0 && y >= 0 && x <= width && y <= height;
}

// How much further something with `bounds` has to go to lie on one of `lines` (`{ x: [], y: [] }`), when it is
// within `reach` of it; and which lines those are.
export function snapped({ left, right, top, bottom }, lines, reach) {
  const nearest = (edges, own) => {
    let best = null;
    for (const line of own) {
      for (const edge of edges) {
        const by = line - edge;
        if (Math.abs(by) <= reach && (best === null || Math.abs(by) < Math.abs(best.by))) best = { by, line };
      }
    }
    return best;
  };
  const x = nearest([left, (left + right) / 2, right], lines.x);
  const y = nearest([top, (top + bottom) / 2, bottom], lines.y);
  return { by: [x?.by ?? 0, y?.by ?? 0], x: x?.line ?? null, y: y?.line ?? null };
}

// The transform of a layer that leaves a group whose transform is `group`: where it was. Exact where the group
// is scaled evenly.
export function released(transform, group, groupBox) {
  const [x, y] = at(matrixOf(group, groupBox), [transform.x, transform.y]);
  return {
    ...transform,
    x: round(x),
    y: round(y),
    rotation: round(transform.rotation + group.rotation),
    scale_x: round(transform.scale_x * group.scale_x),
    scale_y: round(transform.scale_y * group.scale_y),
  };
}
