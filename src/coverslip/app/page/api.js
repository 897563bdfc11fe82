// an address of our own server → JSON or labels. Errors are sentences; nothing else is ever asked.

export const KEEP = 0xffffffff; // in a patch: leave this pixel as it is

// The server did not answer, or no longer knows this page: what was asked may be asked again.
export class Away extends Error {}

export async function request(path, { body, signal } = {}) {
  const options = { signal, credentials: "same-origin", cache: "no-store" };
  if (body !== undefined) {
    options.method = "POST";
    options.headers = { "Content-Type": "application/json" };
    options.body = JSON.stringify(body);
  }
  let response;
  try {
    response = await fetch(path, options);
  } catch (error) {
    if (error.name === "AbortError") throw error;
    throw new Away("The server does not answer. Is the window of coverslip app still open?");
  }
  if (response.ok) return response;
  const sentence = await sentenceOf(response);
  if ([401, 502, 503, 504].includes(response.status) || (response.status === 403 && !body)) throw new Away(sentence);
  throw Object.assign(new Error(sentence), { status: response.status });
}

async function sentenceOf(response) {
  const text = await response.text().catch(() => "");
  try {
    const answer = JSON.parse(text);
    if (typeof answer.error === "string") return answer.error;
    if (typeof answer.detail === "string") return answer.detail;
  } catch { /* no JSON: the text itself may be a sentence */ }
  return `The server answered ${response.status}. ${text.slice(0, 200)}`;
}

export async function getJson(path, options) {
  return (await request(path, options)).json();
}

export async function postJson(path, body, options) {
  return (await request(path, { ...options, body })).json();
}

// Labels as raw little-endian uint32, with what the headers say.
export async function getLabels(path, options) {
  const response = await request(path, options);
  const data = new Uint32Array(await response.arrayBuffer());
  const number = (name) => {
    const text = response.headers.get(name);
    return text === null || text === "" || Number.isNaN(Number(text)) ? null : Number(text);
  };
  const [height, width] = (response.headers.get("X-Shape") || "0,0").split(",").map(Number);
  return {
    data, height, width, nextLabel: number("X-Next-Label"), edit: number("X-Edit"),
    cells: number("X-Cells"), model: response.headers.get("X-Model"), scale: number("X-Scale"), threshold: number("X-Threshold"),
    fit: number("X-Fit"),
  };
}

async function through(stream, bytes) {
  const passed = new Blob([bytes]).stream().pipeThrough(stream);
  return new Uint8Array(await new Response(passed).arrayBuffer());
}

export async function packLabels(labels) {
  const bytes = new Uint8Array(labels.buffer, labels.byteOffset, labels.byteLength);
  const packed = await through(new CompressionStream("deflate"), bytes);
  let text = "";
  for (let i = 0; i < packed.length; i += 8192) text += String.fromCharCode(...packed.subarray(i, i + 8192));
  return btoa(text);
}

export async function unpackLabels(text) {
  const packed = Uint8Array.from(atob(text), (letter) => letter.charCodeAt(0));
  const bytes = await through(new DecompressionStream("deflate"), packed);
  return new Uint32Array(bytes.buffer, bytes.byteOffset, bytes.byteLength >> 2);
}

export const newId = () => Array.from(crypto.getRandomValues(new Uint8Array(12)), (n) => n.toString(16).padStart(2, "0")).join("");

export const imagePath = (image) => `/api/images/${encodeURIComponent(image)}`;

export const framePath = (image, frame) => `${imagePath(image)}/frames/${frame}`;
