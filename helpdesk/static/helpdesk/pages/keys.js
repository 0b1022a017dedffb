/* The key of a block, from its id, as pages/keys.py gives it. SHA-256 is done here: the browser's own is
   missing on pages that came without TLS, and answers later. */

const fraction = (x) => ((x - Math.floor(x)) * 2 ** 32) | 0;
const primes = [];
for (let n = 2; primes.length < 64; n += 1) {
  if (primes.every((prime) => n % prime)) primes.push(n);
}
const START = primes.slice(0, 8).map((prime) => fraction(prime ** (1 / 2)));
const ROUND = primes.map((prime) => fraction(prime ** (1 / 3)));
const turned = (word, by) => (word >>> by) | (word << (32 - by));

const mixed = (state, block) => {
  const words = [...block];
  for (let at = 16; at < 64; at += 1) {
    const low = words[at - 15];
    const high = words[at - 2];
    const small = turned(low, 7) ^ turned(low, 18) ^ (low >>> 3);
    const large = turned(high, 17) ^ turned(high, 19) ^ (high >>> 10);
    words[at] = (words[at - 16] + small + words[at - 7] + large) | 0;
  }
  let [a, b, c, d, e, f, g, h] = state;
  words.forEach((word, at) => {
    const one = h + (turned(e, 6) ^ turned(e, 11) ^ turned(e, 25)) + ((e & f) ^ (~e & g));
    const first = (one + ROUND[at] + word) | 0;
    const second = (turned(a, 2) ^ turned(a, 13) ^ turned(a, 22)) + ((a & b) ^ (a & c) ^ (b & c));
    [h, g, f, e, d, c, b, a] = [g, f, e, (d + first) | 0, c, b, a, (first + second) | 0];
  });
  return [a, b, c, d, e, f, g, h].map((word, at) => (word + state[at]) | 0);
};

const sha256 = (text) => {
  const bytes = new TextEncoder().encode(text);
  const length = Math.ceil((bytes.length + 9) / 64) * 64;
  const view = new DataView(new ArrayBuffer(length));
  bytes.forEach((byte, at) => view.setUint8(at, byte));
  view.setUint8(bytes.length, 0x80);
  view.setUint32(length - 4, bytes.length * 8);
  let state = START;
  for (let at = 0; at < length; at += 64) {
    state = mixed(
      state,
      Array.from({ length: 16 }, (_, word) => view.getInt32(at + word * 4)),
    );
  }
  return state.map((word) => (word >>> 0).toString(16).padStart(8, '0')).join('');
};

const known = new Map();

/* Return the key of a block with this id: a letter and ten hexadecimal digits. */
export const keyFor = (id) => {
  if (!known.has(id)) known.set(id, `f${sha256(id).slice(0, 10)}`);
  return known.get(id);
};
