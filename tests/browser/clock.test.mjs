// The burnt-in clock of the latency bench reads what it wrote.

import assert from "node:assert/strict";
import { test } from "node:test";
import { draw, read, since } from "./bench/clock.mjs";

test("a time survives its way through blocks", () => {
  for (const ms of [0, 1, 1_790_000_000_123, 2 ** 32 - 1, 2 ** 32 + 5]) {
    const blocks = [...draw(ms)];
    assert.equal(read(blocks), ms % 2 ** 32);
    assert.equal(read(blocks.map((block) => block * 0.8 + 20)), ms % 2 ** 32, "compressed");
    blocks[9] = 255 - blocks[9];
    assert.equal(read(blocks), undefined, "one block is wrong");
  }
  assert.equal(read(Array(40).fill(0)), undefined, "black");
});

test("an age is right across the wrap", () => {
  assert.equal(since(2 ** 32 - 10, 2 ** 32 + 5.4), 15);
  assert.equal(since(1000, 5 * 2 ** 32 + 3500), 2500);
});
