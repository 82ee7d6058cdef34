// Streams against whole texts: each text in pieces of several sizes, and cut in two at several places.
const SIZES = [1, 3, 7, 40];

export function everyWay(detector, texts) {
  const unequal = [];
  let [streams, maxHold, holds, pieces] = [0, 0, 0, 0];
  for (const { text } of texts) {
    const whole = JSON.stringify(detector.scan(text));
    for (const size of SIZES) {
      streams++;
      const stream = detector.open();
      const spans = [];
      for (let at = 0; at < text.length; at += size) {
        spans.push(...stream.push(text.slice(at, at + size)));
        const held = stream.length - stream.settled;
        maxHold = Math.max(maxHold, held);
        holds += held;
        pieces++;
      }
      spans.push(...stream.end());
      if (JSON.stringify(spans) !== whole) unequal.push(`pieces of ${size}: ${text}`);
    }
  }
  return { streams, unequal, maxHold, meanHold: holds / pieces };
}
