// Where each layer is on the canvas: documents, what is shown of them now, and what a hand is doing to them,
// brought together.

import { branch, inside, parentOf } from "./changes.js";
import { IDENTITY, boxOf, matrixOf, times } from "./geometry.js";

export class Places {
  // Transforms while they are being dragged, by id.
  preview = new Map();
  // Sizes that were known of layers that are not drawn at the moment.
  #known = new Map();

  constructor(scene, picture) {
    this.scene = scene;
    this.picture = picture;
    picture.addEventListener("change", () => {
      for (const [id, { size }] of picture.outlines) if (size) this.#known.set(id, size);
    });
  }

  size(layer) {
    const { width, height } = this.scene.document;
    if (layer.kind === "group") return [layer.width ?? width, layer.height ?? height];
    const shown = this.picture.outlines.get(layer.id)?.size ?? this.#known.get(layer.id);
    const own = layer.geometry ?? layer;
    return shown ?? [own.width ?? 0, own.height ?? 0];
  }

  // As it is shown: an animation may hold it elsewhere than its document says.
  transform(layer) {
    return this.preview.get(layer.id) ?? this.picture.outlines.get(layer.id)?.transform ?? layer.transform;
  }

  box(layer) {
    return boxOf(this.transform(layer), this.size(layer));
  }

  // From what the layer is in to the canvas.
  outer(layer) {
    const group = layer.parent && this.scene.layer(layer.parent);
    return group ? this.matrix(group) : IDENTITY;
  }

  // From the layer's box to the canvas.
  matrix(layer) {
    return times(this.outer(layer), matrixOf(this.transform(layer), this.box(layer)));
  }

  isShown(layer) {
    const group = layer.parent && this.scene.layer(layer.parent);
    return layer.visible && (!group || this.isShown(group));
  }

  // Layers of a group from front to back, as they are drawn; all of them, groups before what is in them.
  frontToBack(parent = null) {
    const own = inside(this.scene.document, parent).toSorted((a, b) => a.z - b.z).reverse();
    return own.flatMap((layer) => [layer, ...(layer.kind === "group" ? this.frontToBack(layer.id) : [])]);
  }

  // Without those whose group is among them, too.
  topmost(ids) {
    const within = new Set(ids.flatMap((id) => branch(this.scene.document, id).slice(1).map((layer) => layer.id)));
    return ids.filter((id) => !within.has(id));
  }

  depth(layer) {
    const parent = parentOf(layer) && this.scene.layer(parentOf(layer));
    return parent ? 1 + this.depth(parent) : 0;
  }
}
