// How the levels of a photo are spread, for each channel, drawn over each other.

const LEVELS = 256;
const SIDE = 320;

const small = document.createElement("canvas");

/** Draws the histogram of a bitmap or canvas. */
export function drawHistogram(canvas, source) {
  const scale = Math.min(1, SIDE / Math.max(source.width, source.height));
  small.width = Math.max(1, Math.round(source.width * scale));
  small.height = Math.max(1, Math.round(source.height * scale));
  const look = small.getContext("2d", { willReadFrequently: true });
  look.drawImage(source, 0, 0, small.width, small.height);
  const pixels = look.getImageData(0, 0, small.width, small.height).data;
  const counts = [0, 1, 2].map(() => new Uint32Array(LEVELS));
  for (let i = 0; i < pixels.length; i += 4) {
    for (let channel = 0; channel < 3; channel += 1) counts[channel][pixels[i + channel]] += 1;
  }
  draw(canvas, counts);
}

function draw(canvas, counts) {
  const { width, height } = canvas;
  const context = canvas.getContext("2d");
  context.clearRect(0, 0, width, height);
  context.globalCompositeOperation = "lighter";
  // The ends, where everything that is clipped piles up, do not flatten the rest.
  const inner = counts.flatMap((channel) => [...channel.subarray(1, LEVELS - 1)]);
  const top = Math.max(1, ...inner);
  counts.forEach((channel, index) => {
    context.fillStyle = ["#b4483e", "#3f8f4c", "#3e66b4"][index];
    context.beginPath();
    context.moveTo(0, height);
    channel.forEach((count, level) => {
      context.lineTo((level / (LEVELS - 1)) * width, height - Math.min(count / top, 1) * (height - 2));
    });
    context.lineTo(width, height);
    context.fill();
  });
  context.globalCompositeOperation = "source-over";
}
