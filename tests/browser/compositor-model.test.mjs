// The editor's pure parts: what is changed can be taken back, and what a hand draws ends where the hand is.

import assert from "node:assert/strict";
import { test } from "node:test";
import { apply, backwards, difference, inverses, merge } from "../../compositor/editor/changes.js";
import { at, boxOf, inverse, isIn, matrixOf, resized, rotated, snapped } from "../../compositor/editor/geometry.js";
import { patchOf } from "../../compositor/editor/form.js";
import { Schemas } from "../../compositor/editor/schema.js";
import { animatable, lengths } from "../../compositor/editor/timeline.js";

// The same numbers for the same seed (mulberry32).
function chance(seed) {
  return () => {
    seed = (seed + 0x6d2b79f5) | 0;
    let n = Math.imul(seed ^ (seed >>> 15), 1 | seed);
    n = (n + Math.imul(n ^ (n >>> 7), 61 | n)) ^ n;
    return ((n ^ (n >>> 14)) >>> 0) / 2 ** 32;
  };
}

// Layers by their groups, in order: what a scene is, however its list is written down.
function tree(document, parent = null) {
  const own = document.layers.filter((layer) => (layer.parent ?? null) === parent);
  return own.map((layer) => [JSON.parse(JSON.stringify(layer)), tree(document, layer.id)]);
}

const layer = (id, more = {}) => ({ id, kind: "shape", z: 0, opacity: 1, fill: "#ffffff", transform: { x: 0, y: 0 }, ...more });

function randomChange(document, random, n) {
  const pick = (all) => all[Math.floor(random() * all.length)];
  const groups = document.layers.filter(({ kind }) => kind === "group");
  const own = pick(document.layers);
  const within = (id, root) => id !== undefined && (id === root || within(document.layers.find((one) => one.id === id)?.parent, root));
  const roll = random();
  if (!own || roll < 0.3) {
    const parent = random() < 0.4 ? pick(groups)?.id : undefined;
    const kind = random() < 0.3 ? "group" : "shape";
    return { op: "add", layer: layer(`layer-${n}`, { kind, ...(parent && { parent }) }), index: random() < 0.5 ? Math.floor(random() * 4) : undefined };
  }
  if (roll < 0.55) {
    const patches = [{ opacity: random() }, { shadow: { blur: 3 } }, { shadow: null }, { fill: { type: "linear", angle: 3 } }, { fill: "#000000" }, { transform: { x: random(), bounds: { width: 3 } } }, { mask: { layer: pick(document.layers).id } }];
    return { op: "update", id: own.id, patch: pick(patches) };
  }
  if (roll < 0.7) return { op: "remove", id: own.id };
  const parent = random() < 0.5 ? null : (pick(groups)?.id ?? null);
  if (parent && within(parent, own.id)) return { op: "move", id: own.id, index: 0 };
  return { op: "move", id: own.id, parent, index: random() < 0.7 ? Math.floor(random() * 5) : undefined };
}

test("whatever is done to a scene can be taken back", () => {
  for (let seed = 1; seed <= 200; seed += 1) {
    const random = chance(seed);
    let document = { background: "#000000", layers: [layer("first"), layer("box", { kind: "group" }), layer("inner", { parent: "box" })] };
    for (let step = 0; step < 30; step += 1) {
      const before = document;
      const changes = [];
      for (let n = 0; n < 1 + Math.floor(random() * 4); n += 1) {
        const change = randomChange(document, random, `${step}-${n}`);
        // The scene itself moves nothing for a change that says nothing.
        if (change.op === "move" && change.parent === undefined && change.index === undefined) continue;
        changes.push(change);
        document = apply(document, change);
      }
      const back = inverses(before, changes).reduce(apply, document);
      assert.deepEqual(tree(back), tree(before), `seed ${seed}, step ${step}: ${JSON.stringify(changes)}`);
    }
  }
});

test("patches are RFC 7396's, forwards and backwards", () => {
  const old = { a: 1, b: { c: [1, 2], d: "x" }, e: null };
  for (const [patch, wanted] of [
    [{ a: 2 }, { ...old, a: 2 }],
    [{ a: null }, { b: old.b, e: null }],
    [{ b: { d: null } }, { ...old, b: { c: [1, 2] } }],
    [{ b: "text" }, { ...old, b: "text" }],
    [{ f: { g: 1 } }, { ...old, f: { g: 1 } }],
  ]) {
    const next = merge(old, patch);
    assert.deepEqual(next, wanted);
    const { e, ...rest } = old;
    const { e: gone, ...again } = merge(next, backwards(patch, old));
    assert.deepEqual(again, rest);
  }
  const [from, to] = [{ type: "rect", width: 1, radius: 2 }, { type: "ellipse", width: 1 }];
  assert.deepEqual(difference(from, to), { type: "ellipse", radius: null });
  assert.deepEqual(patchOf({ a: { list: [{ x: 1 }, { x: 2 }] } }, ["a", "list", 1, "x"], 5), { a: { list: [{ x: 1 }, { x: 5 }] } });
});

const close = (a, b) => a.every((own, n) => Math.abs(own - b[n]) < 0.01);

test("handles go where the hand is, and the other side stays", () => {
  const random = chance(7);
  const between = (from, to) => from + random() * (to - from);
  for (let n = 0; n < 500; n += 1) {
    const transform = {
      x: between(-500, 500), y: between(-500, 500), rotation: between(-180, 180), scale_x: between(0.2, 3), scale_y: between(0.2, 3),
      anchor: { x: random(), y: random() }, ...(n % 3 === 0 && { bounds: { type: "stretch", width: between(50, 400), height: between(50, 400) } }),
    };
    const box = boxOf(transform, [between(20, 300), between(20, 300)]);
    const matrix = matrixOf(transform, box);
    const [x, y] = at(matrix, [box[0] * transform.anchor.x, box[1] * transform.anchor.y]);
    assert.ok(close([x, y], [transform.x, transform.y]), "the anchor is where it says");
    assert.ok(close(at(inverse(matrix), [x, y]), [box[0] * transform.anchor.x, box[1] * transform.anchor.y]));
    assert.ok(isIn(matrix, box, at(matrix, [box[0] / 2, box[1] / 2])) && !isIn(matrix, box, at(matrix, [box[0] * 1.01, 0])));
    // To a point beyond the handle, in the box's own directions.
    const by = [between(1.1, 2), between(1.1, 2)];
    const to = at(matrix, [box[0] * by[0], box[1] * by[1]]);
    const grown = resized(transform, box, [1, 1], to, true);
    const grownBox = boxOf(grown, box);
    assert.ok(Math.hypot(...at(matrixOf(grown, grownBox), grownBox).map((own, axis) => own - to[axis])) < 1.5);
    assert.ok(close(at(matrixOf(grown, grownBox), [0, 0]), at(matrix, [0, 0])), "the opposite corner stays");
    const even = resized(transform, box, [1, 1], to, false);
    if (!transform.bounds) assert.ok(Math.abs(even.scale_x / even.scale_y - transform.scale_x / transform.scale_y) < 0.02);
    const turned = rotated(transform, box, 33);
    assert.ok(turned.rotation === 33 && close(at(matrixOf(turned, box), box.map((own) => own / 2)), at(matrix, box.map((own) => own / 2))));
  }
  const lines = { x: [0, 320], y: [0] };
  assert.deepEqual(snapped({ left: 315, right: 415, top: 50, bottom: 90 }, lines, 8), { by: [5, 0], x: 320, y: null });
  assert.deepEqual(snapped({ left: 300, right: 400, top: -7, bottom: 90 }, lines, 8), { by: [0, 7], x: null, y: 0 });
});

test("schemas become controls, and values that they take", () => {
  const schemas = new Schemas({ components: { schemas: {
    Color: { type: "string", pattern: "^#([0-9a-fA-F]{6})$" },
    Blend: { type: "string", enum: ["normal", "screen"] },
    Stop: { type: "object", properties: { offset: { type: "number" }, color: { $ref: "#/components/schemas/Color" } }, required: ["offset", "color"] },
    Gradient: { type: "object", properties: { angle: { type: "number", default: 3 }, stops: { type: "array", items: { $ref: "#/components/schemas/Stop" } } }, required: ["stops"] },
    Form: { oneOf: [{ type: "object", properties: { type: { const: "rect" }, width: { type: "number" } }, required: ["type", "width"] }, { type: "object", properties: { type: { const: "dot" } }, required: ["type"] }] },
  } } });
  const of = (name) => ({ $ref: `#/components/schemas/${name}` });
  for (const [schema, form] of [
    [of("Color"), "color"],
    [{ allOf: [of("Blend")], default: "normal" }, "choice"],
    [{ oneOf: [{ type: "string", enum: ["a", "b"] }, { type: "string", const: "c" }] }, "choice"],
    [{ anyOf: [of("Color"), { type: "null" }] }, "optional"],
    [{ type: ["number", "null"] }, "optional"],
    [{ anyOf: [of("Color"), of("Gradient")] }, "variants"],
    [of("Form"), "variants"],
    [of("Stop"), "object"],
    [{ type: "array", items: of("Stop") }, "list"],
    [{ type: "string", format: "date-time" }, "moment"],
    [{ const: "x" }, "fixed"],
  ]) {
    assert.equal(schemas.shape(schema).form, form, JSON.stringify(schema));
  }
  assert.deepEqual(schemas.sample(of("Form"), "", { width: 30 }), { type: "rect", width: 30 });
  assert.equal(schemas.shape(of("Form")).variants[1].matches({ type: "dot" }), true);
});

test("animations have a length, and layers properties", () => {
  for (const [effect, all] of [
    [{ timing: { duration_ms: 100 } }, 100],
    [{ timing: { duration_ms: 100, delay_ms: 10, end_delay_ms: 5, iterations: 3 } }, 315],
    [{ timing: { duration_ms: 100, iterations: "infinite" } }, Infinity],
    [{ sequence: [{ timing: { duration_ms: 100 } }, { timing: { duration_ms: 50 } }], timing: { iterations: 2 } }, 300],
    [{ parallel: [{ timing: { duration_ms: 100 } }, { timing: { duration_ms: 50 } }] }, 100],
  ]) {
    assert.equal(lengths(effect).all, all, JSON.stringify(effect));
  }
  const paths = animatable({ opacity: 1, fill: "#fff", text: "#no colour", z: 3, transform: { x: 2, anchor: { y: 0 } }, values: [1] });
  assert.deepEqual(paths.map(([path]) => path), ["opacity", "fill", "transform.x", "transform.anchor.y"]);
});
