// A clock that survives video: milliseconds since the epoch, modulo 2^32, as black and white
// blocks. A row is a byte, most significant bit first; the last row checks the others.

export const COLUMNS = 8;
export const ROWS = 5;

// So that a black picture is no valid time.
const SEED = 0xa5;

// One gray pixel for each block.
export function draw(ms) {
  const low = Number(BigInt.asUintN(32, BigInt(ms)));
  const bytes = [24, 16, 8, 0].map((shift) => (low >>> shift) & 0xff);
  bytes.push(bytes.reduce((sum, byte) => sum ^ byte, SEED));
  return Buffer.from(bytes.flatMap((byte) => [7, 6, 5, 4, 3, 2, 1, 0].map((bit) => ((byte >> bit) & 1 ? 235 : 16))));
}

// The time in the brightness of the blocks, undefined where the check fails.
export function read(blocks) {
  const bytes = [];
  for (let row = 0; row < ROWS; row += 1) {
    const bits = blocks.slice(row * COLUMNS, (row + 1) * COLUMNS);
    bytes.push(bits.reduce((byte, brightness) => byte * 2 + (brightness > 127 ? 1 : 0), 0));
  }
  if (bytes.reduce((sum, byte) => sum ^ byte) !== SEED) return undefined;
  return ((bytes[0] << 24) | (bytes[1] << 16) | (bytes[2] << 8) | bytes[3]) >>> 0;
}

// How long ago a read time was, also across the end of 2^32 ms.
export function since(clock, now) {
  return (((Math.round(now) - clock) % 2 ** 32) + 2 ** 32) % 2 ** 32;
}
