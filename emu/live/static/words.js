// Numbers in words.

export const number = (value, digits) =>
  value.toLocaleString("en", { maximumFractionDigits: digits, minimumFractionDigits: digits });

/** A rate: of bits where a flow's packets have a size, of packets otherwise. */
export function rate(sample, binNs) {
  if (!sample) return "–";
  const seconds = binNs / 1e9;
  if (sample.bytes === null || sample.bytes === undefined) return `${number(sample.received / seconds, 0)} packets/s`;
  return `${number((sample.bytes * 8) / seconds / 1e6, 2)} Mbit/s`;
}

export const bytes = (count) => (count < 1e6 ? `${number(count / 1e3, 1)} kB` : `${number(count / 1e6, 2)} MB`);
