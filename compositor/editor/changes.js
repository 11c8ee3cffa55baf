// What the changes of a batch do to a scene's document, and what takes them back. Pure: documents are not
// changed, but answered anew. Only as much of the compositor's rules as that needs.

const isObject = (value) => typeof value === "object" && value !== null && !Array.isArray(value);

// RFC 7396.
export function merge(target, patch) {
  if (!isObject(patch)) return patch;
  const merged = isObject(target) ? { ...target } : {};
  for (const [key, value] of Object.entries(patch)) {
    if (value === null) delete merged[key];
    else merged[key] = merge(merged[key], value);
  }
  return merged;
}

// The patch that takes `patch` back from what was `old`.
export function backwards(patch, old) {
  const back = {};
  for (const [key, value] of Object.entries(patch)) {
    const before = old?.[key];
    back[key] = isObject(value) && isObject(before) ? backwards(value, before) : (before ?? null);
  }
  return back;
}

// The patch from one value to another, as an update wants it.
export function difference(from, to) {
  if (!isObject(from) || !isObject(to)) return to;
  const patch = {};
  for (const key of new Set([...Object.keys(from), ...Object.keys(to)])) {
    if (!(key in to)) patch[key] = null;
    else if (JSON.stringify(from[key]) !== JSON.stringify(to[key])) patch[key] = difference(from[key], to[key]);
  }
  return patch;
}

export const parentOf = (layer) => layer.parent ?? null;

export const inside = (document, parent) => document.layers.filter((layer) => parentOf(layer) === parent);

// A layer and all that is in it, groups first.
export function branch(document, id) {
  const all = document.layers.filter((layer) => layer.id === id);
  for (let n = 0; n < all.length; n += 1) all.push(...inside(document, all[n].id));
  return all;
}

// As the scene has it: before the one that is number `index` of its group, else the last of all.
function place(layers, layer, index) {
  const next = layers.filter((other) => parentOf(other) === parentOf(layer))[index];
  const at = next && index !== undefined ? layers.indexOf(next) : layers.length;
  return layers.toSpliced(at, 0, layer);
}

const indexOf = (document, layer) => inside(document, parentOf(layer)).findIndex(({ id }) => id === layer.id);

export function apply(document, change) {
  const { layers } = document;
  const at = layers.findIndex(({ id }) => id === change.id);
  switch (change.op) {
    case "add":
      return { ...document, layers: place(layers, change.layer, change.index) };
    case "update":
      return { ...document, layers: layers.with(at, merge(layers[at], change.patch)) };
    case "remove": {
      const gone = new Set(branch(document, change.id).map(({ id }) => id));
      const rest = layers.filter(({ id }) => !gone.has(id));
      return { ...document, layers: rest.map((layer) => (gone.has(layer.mask?.layer) ? { ...layer, mask: undefined } : layer)) };
    }
    case "move": {
      const { parent: own, ...rest } = layers[at];
      const parent = change.parent === undefined ? own : (change.parent ?? undefined);
      const moved = parent === undefined ? rest : { ...rest, parent };
      return { ...document, layers: place(layers.toSpliced(at, 1), moved, change.index) };
    }
    case "canvas":
      return { ...document, background: change.background ?? document.background };
    default:
      return document;
  }
}

const targets = (effect) => [effect.target, ...(effect.sequence ?? []).flatMap(targets), ...(effect.parallel ?? []).flatMap(targets)];

// The changes that take back one that is about to be made of `document`. Answers nothing for what cannot be
// taken back.
function inverse(document, change) {
  const layer = document.layers.find(({ id }) => id === change.id);
  const running = (id) => document.animations?.find(({ animation }) => animation.id === id)?.animation;
  switch (change.op) {
    case "add":
      return [{ op: "remove", id: change.layer.id }];
    case "update":
      return [{ op: "update", id: change.id, patch: backwards(change.patch, layer) }];
    case "remove": {
      const gone = branch(document, change.id);
      const ids = new Set(gone.map(({ id }) => id));
      // Masks may name layers that come later.
      const added = gone.map(({ mask, ...rest }, n) => ({ op: "add", layer: rest, index: n === 0 ? indexOf(document, layer) : undefined }));
      const masked = document.layers.filter(({ id, mask }) => mask && (ids.has(id) || ids.has(mask.layer)));
      const masks = masked.map(({ id, mask }) => ({ op: "update", id, patch: { mask } }));
      const moved = (document.animations ?? []).filter(({ animation }) => targets(animation.effect).some((id) => ids.has(id)));
      return [...added, ...masks, ...moved.map(({ animation }) => ({ op: "animate", animation }))];
    }
    case "move":
      return [{ op: "move", id: change.id, parent: parentOf(layer), index: indexOf(document, layer) }];
    case "animate":
      return [{ op: "cancel", animation: change.animation.id }];
    case "cancel":
      return [{ op: "animate", animation: running(change.animation) }];
    case "canvas":
      return [{ op: "canvas", background: document.background }];
    case "pause":
      return [{ op: "play", animation: change.animation }];
    case "play":
      return [{ op: "pause", animation: change.animation }];
    default:
      return [];
  }
}

// The changes that take back a batch that is about to be applied to `document`.
export function inverses(document, changes) {
  let back = [];
  for (const change of changes) {
    back = [...inverse(document, change), ...back];
    document = apply(document, change);
  }
  return back;
}

// The ids of layers that changes are about.
export function touched(changes) {
  return new Set(changes.flatMap(({ id, layer }) => [id, layer?.id]).filter(Boolean));
}
