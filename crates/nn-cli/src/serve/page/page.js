// The page: owns what is drawn and how answers are shown. What the network sees in it, the server says: the picture is
// sent as it is, and cut out, scaled and centred there, as for everyone who asks.

const element = (id) => document.getElementById(id);
const board = element("board");
const seen = element("seen");
const weights = element("weights");

/** The pen, as a share of the shorter side: a digit that fills the drawing then has strokes as thick as MNIST's. */
const PEN = 0.075;
/** The longer side of the picture that is sent, in pixels; at least so many for each pixel of the network's images. */
const SENT_SIDE = 280;
const SENT_FOR_EACH = 5;
/** More classes than this are shown as the most probable ones. */
const MOST_ROWS = 12;
/** More units than this in a layer are left out of its picture. */
const MOST_UNITS = 10_000;
/** A step of the pen by keyboard, as a share of a side. */
const STEP = 0.025;

/** What `/model` says. */
let model;
/** Width and height of the model's images. */
let columns;
let rows;

/* ---- The drawing ---- */

/** Lines of points, each a share of the width and one of the height. */
let strokes = [];
/** What the drawing was before each change, the last one at the end. */
const past = [];
/** The pointer that draws now, and its line. */
let pointer = null;
/** Where the pen of the keyboard is, once it was used, and its line while it is down. */
let pen = null;
let penStroke = null;

function begin(point) {
  past.push([...strokes]);
  const stroke = [point];
  strokes.push(stroke);
  changed();
  return stroke;
}

function undo() {
  if (past.length === 0) return;
  strokes = past.pop();
  letGo();
  changed();
}

function clear() {
  if (strokes.length === 0) return;
  past.push([...strokes]);
  strokes = [];
  letGo();
  changed();
}

/** Ends the lines that are being drawn. */
function letGo() {
  pointer = null;
  penStroke = null;
}

function changed() {
  const isDrawn = strokes.length > 0;
  document.body.classList.toggle("is-drawn", isDrawn);
  element("undo").disabled = past.length === 0;
  element("clear").disabled = !isDrawn;
  board.setAttribute("aria-label", isDrawn ? "Drawing area" : "Drawing area, empty");
  redraw();
  ask();
}

/** Draws the lines onto a picture of any size. */
function paint(context, width, height, color) {
  const at = ([x, y]) => [x * width, y * height];
  context.strokeStyle = color;
  context.lineWidth = PEN * Math.min(width, height);
  context.lineCap = context.lineJoin = "round";
  for (const stroke of strokes) {
    context.beginPath();
    const [startX, startY] = at(stroke[0]);
    context.moveTo(startX, startY);
    // Through the middles, so that a hasty line has no corners.
    for (let n = 1; n + 1 < stroke.length; n++) {
      const [x, y] = at(stroke[n]);
      const [nextX, nextY] = at(stroke[n + 1]);
      context.quadraticCurveTo(x, y, (x + nextX) / 2, (y + nextY) / 2);
    }
    const [endX, endY] = at(stroke.at(-1));
    // A line of no length would be no dot everywhere.
    context.lineTo(endX + (stroke.length === 1 ? 0.01 : 0), endY);
    context.stroke();
  }
}

function redraw() {
  const context = board.getContext("2d");
  context.clearRect(0, 0, board.width, board.height);
  paint(context, board.width, board.height, color("--ink"));
  if (pen && document.activeElement === board) {
    context.beginPath();
    context.arc(pen[0] * board.width, pen[1] * board.height, PEN * 0.7 * Math.min(board.width, board.height), 0, 7);
    context.lineWidth = 2 * devicePixelRatio;
    context.strokeStyle = color("--accent");
    context.stroke();
  }
}

function pointOf(event) {
  const { left, top, width, height } = board.getBoundingClientRect();
  return [(event.clientX - left) / width, (event.clientY - top) / height];
}

board.addEventListener("pointerdown", (event) => {
  if (pointer || event.button !== 0) return;
  pointer = { id: event.pointerId, stroke: null };
  board.setPointerCapture(event.pointerId);
  pen = penStroke = null;
  pointer.stroke = begin(pointOf(event));
});

board.addEventListener("pointermove", (event) => {
  if (event.pointerId !== pointer?.id) return;
  // The moves between two frames of the screen, where the browser tells them.
  const moves = event.getCoalescedEvents?.() ?? [];
  pointer.stroke.push(...(moves.length > 0 ? moves : [event]).map(pointOf));
  redraw();
  ask();
});

for (const end of ["pointerup", "pointercancel"]) {
  board.addEventListener(end, (event) => {
    if (event.pointerId === pointer?.id) pointer = null;
  });
}

board.addEventListener("contextmenu", (event) => event.preventDefault());
// Safari begins to scroll or to magnify in spite of touch-action where this is not prevented.
board.addEventListener("touchstart", (event) => event.cancelable && event.preventDefault(), { passive: false });

const ARROWS = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] };

board.addEventListener("keydown", (event) => {
  if (event.ctrlKey || event.metaKey || event.altKey || pointer) return;
  if (event.key === "Delete" || event.key === "Backspace") {
    clear();
  } else if (event.key === " ") {
    pen ??= [0.5, 0.5];
    penStroke = penStroke ? null : begin([...pen]);
    redraw();
  } else if (ARROWS[event.key]) {
    const [right, down] = ARROWS[event.key];
    const within = (share) => Math.min(Math.max(share, 0), 1);
    pen ??= [0.5, 0.5];
    pen = [within(pen[0] + STEP * right), within(pen[1] + STEP * down)];
    penStroke?.push([...pen]);
    redraw();
    if (penStroke) ask();
  } else {
    return;
  }
  event.preventDefault();
});

for (const change of ["focus", "blur"]) board.addEventListener(change, redraw);

addEventListener("keydown", (event) => {
  if (event.key.toLowerCase() !== "z" || !(event.ctrlKey || event.metaKey) || event.shiftKey || event.altKey) return;
  undo();
  event.preventDefault();
});
element("undo").addEventListener("click", undo);
element("clear").addEventListener("click", clear);

/* ---- The question: one at a time, and always about the latest drawing ---- */

let isAsking = false;
let isWanted = false;

async function ask() {
  isWanted = true;
  if (isAsking || !model) return;
  isAsking = true;
  element("main").setAttribute("aria-busy", "true");
  while (isWanted) {
    isWanted = false;
    try {
      const answer = strokes.length > 0 ? await predict() : null;
      // Cleared meanwhile: there is nothing any more that this is the answer to.
      show(strokes.length > 0 ? answer : null);
      tell(null);
    } catch (error) {
      tell(error.message);
      if (error.isForNow) {
        await new Promise((done) => setTimeout(done, 1000));
        isWanted = true;
      }
    }
  }
  isAsking = false;
  element("main").setAttribute("aria-busy", "false");
}

const sent = document.createElement("canvas");

async function predict() {
  const context = sent.getContext("2d");
  // As MNIST has it: light ink on a dark ground.
  context.fillStyle = "#000";
  context.fillRect(0, 0, sent.width, sent.height);
  paint(context, sent.width, sent.height, "#fff");
  const body = await new Promise((done) => sent.toBlob(done, "image/png"));
  const options = { method: "POST", headers: { "Content-Type": "image/png" }, body };
  try {
    return await request("predict?prepare=yes&invert=no&pixels=yes&activations=yes&top=256", options);
  } catch (error) {
    // A dot, which might as well be dirt.
    if (error.status === 422) return null;
    throw error;
  }
}

async function request(path, options) {
  let response;
  try {
    response = await fetch(path, options);
  } catch {
    throw new Error("The server does not answer. Is it still running?");
  }
  const answer = await response.json().catch(() => ({}));
  if (response.ok) return answer;
  const error = new Error(answer.error ?? `The server answers with status ${response.status}.`);
  error.status = response.status;
  error.isForNow = response.status === 429 || response.status === 503;
  throw error;
}

function tell(trouble) {
  element("trouble").hidden = trouble === null;
  element("trouble").textContent = trouble ?? "";
}

/* ---- The answer ---- */

/** The last answer, or null when nothing is drawn. */
let answer = null;

function show(latest) {
  answer = latest;
  document.body.classList.toggle("is-answered", answer !== null);
  showClasses();
  showSeen();
  showLayers();
  showUnit();
}

const nameOf = (number) => model.class_names?.[number] ?? String(number);
const classCount = () => model.layers.at(-1).units;
// No line ends before the sign.
const percent = (share) => `${(100 * share).toFixed(1)}\u00a0%`;

function showClasses() {
  const list = element("classes");
  const top = answer?.top ?? [];
  const shares = new Map(top.map((guess) => [guess.class, guess.probability ?? 0]));
  const isAll = classCount() <= MOST_ROWS;
  const numbers = isAll || !answer ? [...Array(Math.min(classCount(), MOST_ROWS)).keys()]
    : top.slice(0, MOST_ROWS).map((guess) => guess.class);
  while (list.children.length < numbers.length) list.append(element("row").content.cloneNode(true));
  numbers.forEach((number, place) => {
    const row = list.children[place];
    const [label, bar, share] = row.children;
    row.classList.toggle("is-best", number === answer?.predicted);
    row.dataset.class = number;
    label.textContent = nameOf(number);
    label.title = nameOf(number);
    bar.firstElementChild.style.setProperty("--probability", shares.get(number) ?? 0);
    share.textContent = answer ? percent(shares.get(number) ?? 0) : "";
  });
  element("more-classes").hidden = isAll;
  element("more-classes").textContent = `The most probable of all ${classCount()} classes are shown.`;

  const best = element("best");
  best.textContent = answer ? nameOf(answer.predicted) : "?";
  best.classList.toggle("is-long", best.textContent.length > 2);
  element("how-sure").textContent = answer ? howSure()
    : strokes.length > 0 ? "Too little to be seen: draw on."
      : "Draw something, and the network answers with each stroke.";
  element("answer").dataset.predicted = answer ? answer.predicted : "";
  speak();
}

function howSure() {
  const [first, second] = answer.top;
  const text = percent(first.probability ?? 0);
  return second?.probability > 0.01 ? `${text}\nor ${nameOf(second.class)}, ${percent(second.probability)}` : text;
}

let speaking;

/** Tells those who listen, once the pen rests. */
function speak() {
  clearTimeout(speaking);
  speaking = setTimeout(() => {
    element("spoken").textContent = answer ? `${nameOf(answer.predicted)}, ${howSure()}` : "";
  }, 700);
}

/* ---- What the network sees, and its units ---- */

/** A color of the page's, as red, green and blue. */
function color(name) {
  return getComputedStyle(document.documentElement).getPropertyValue(name).trim();
}

function channels(name) {
  const number = Number.parseInt(color(name).slice(1), 16);
  return [number >> 16, (number >> 8) & 255, number & 255];
}

/** Draws a grid of numbers from -1 to 1 as squares: 0 in the ground's color, 1 and -1 in their own. */
function grid(canvas, values, width, height, names) {
  const [ground, positive, negative] = names.map(channels);
  canvas.width = width;
  canvas.height = height;
  const context = canvas.getContext("2d");
  const image = context.createImageData(width, height);
  values.forEach((value, place) => {
    const end = value < 0 ? negative : positive;
    const share = Math.min(Math.abs(value), 1);
    for (let channel = 0; channel < 3; channel++) {
      image.data[4 * place + channel] = ground[channel] + share * (end[channel] - ground[channel]);
    }
    image.data[4 * place + 3] = 255;
  });
  context.putImageData(image, 0, 0);
}

function showSeen() {
  seen.width = columns;
  seen.height = rows;
  const context = seen.getContext("2d");
  const image = context.createImageData(columns, rows);
  for (let place = 0; place < columns * rows; place++) {
    image.data.fill(answer?.pixels[place] ?? 0, 4 * place, 4 * place + 3);
    image.data[4 * place + 3] = 255;
  }
  context.putImageData(image, 0, 0);
}

const LIGHTS = ["--dim", "--accent", "--negative"];
/** The most of what the units of a layer put out that is no more than 1, such as sigmoid and tanh. */
const BOUNDED = new Set(["sigmoid", "tanh"]);

const hiddenLayers = () => model.layers.slice(0, -1);
const shownUnits = (layer) => Math.min(layer.units, MOST_UNITS);
const gridColumns = (count) => Math.ceil(Math.sqrt(count));

/** A picture for each hidden layer, each unit a square. */
function makeLayers() {
  hiddenLayers().forEach((layer, number) => {
    const canvas = document.createElement("canvas");
    canvas.className = "layer";
    canvas.tabIndex = 0;
    canvas.setAttribute("role", "img");
    const left = layer.units - shownUnits(layer);
    const which = hiddenLayers().length > 1 ? `Hidden layer ${number + 1}` : "Hidden layer";
    canvas.setAttribute("aria-label",
      `${which}: ${layer.units} units${left > 0 ? `, the first ${MOST_UNITS} of which are shown` : ""}. Arrows choose one.`);
    element("layers").append(canvas);

    const choose = (unit) => {
      if (unit === null || (unit >= 0 && unit < shownUnits(layer))) {
        chosen = unit === null ? null : { layer: number, unit };
        showLayers();
        showUnit();
      }
    };
    const unitAt = (event) => {
      const { left, top, width, height } = canvas.getBoundingClientRect();
      const column = Math.floor((event.clientX - left) / width * canvas.dataset.columns);
      const row = Math.floor((event.clientY - top) / height * canvas.dataset.rows);
      return Math.max(row, 0) * canvas.dataset.columns + Math.max(column, 0);
    };
    canvas.addEventListener("pointermove", (event) => choose(unitAt(event)));
    canvas.addEventListener("pointerdown", (event) => choose(unitAt(event)));
    canvas.addEventListener("pointerleave", (event) => event.pointerType === "mouse" && choose(null));
    canvas.addEventListener("blur", () => choose(null));
    canvas.addEventListener("keydown", (event) => {
      if (event.ctrlKey || event.metaKey || event.altKey) return;
      if (event.key === "Escape") {
        choose(null);
      } else if (ARROWS[event.key]) {
        const [right, down] = ARROWS[event.key];
        const from = chosen?.layer === number ? chosen.unit : null;
        choose(from === null ? 0 : from + right + down * canvas.dataset.columns);
      } else {
        return;
      }
      event.preventDefault();
    });
  });
}

/** The side of a unit's square in its picture, and of the gap after it. */
const SQUARE = 7;
const GAP = 1;

function showLayers() {
  hiddenLayers().forEach((layer, number) => {
    const canvas = element("layers").children[number];
    const count = shownUnits(layer);
    const across = gridColumns(count);
    const down = Math.ceil(count / across);
    canvas.dataset.columns = across;
    canvas.dataset.rows = down;
    // Squares stand apart while there is room for it.
    const [square, gap] = count <= 1024 ? [SQUARE, GAP] : [1, 0];
    canvas.width = across * (square + gap) - gap;
    canvas.height = down * (square + gap) - gap;
    const context = canvas.getContext("2d");
    const [ground, positive, negative] = LIGHTS.map(channels);
    const values = answer?.activations[number] ?? [];
    const most = BOUNDED.has(layer.activation) ? 1 : values.reduce((most, value) => Math.max(most, Math.abs(value)), 1e-9);
    for (let unit = 0; unit < count; unit++) {
      const value = (values[unit] ?? 0) / most;
      const end = value < 0 ? negative : positive;
      const mixed = ground.map((channel, n) => Math.round(channel + Math.min(Math.abs(value), 1) * (end[n] - channel)));
      context.fillStyle = `rgb(${mixed})`;
      context.fillRect(unit % across * (square + gap), Math.floor(unit / across) * (square + gap), square, square);
    }
    const marked = shownUnit();
    if (marked?.layer === number && gap > 0) {
      context.strokeStyle = color("--ink");
      context.lineWidth = 1;
      context.strokeRect(marked.unit % across * (square + gap) + 0.5, Math.floor(marked.unit / across) * (square + gap) + 0.5,
        square - 1, square - 1);
    }
  });
}

/** The unit that somebody points at. */
let chosen = null;

/** The unit to show: the one pointed at, else the one of the first layer that puts out the most. */
function shownUnit() {
  if (chosen || !answer || hiddenLayers().length === 0) return chosen;
  const values = answer.activations[0].slice(0, MOST_UNITS);
  const unit = values.reduce((best, value, unit) => (Math.abs(value) > Math.abs(values[best]) ? unit : best), 0);
  return { layer: 0, unit };
}

/** What `/unit` said, for each that was shown. */
const known = new Map();
let isFetching = false;

async function showUnit() {
  if (hiddenLayers().length === 0) return;
  const unit = shownUnit();
  const key = unit && `unit?layer=${unit.layer}&unit=${unit.unit}`;
  const text = element("unit-text");
  if (!unit) {
    const size = inputsOf(0);
    grid(weights, [], size.columns, size.rows, LIGHTS);
    text.textContent = "";
    return;
  }
  const found = known.get(key);
  if (!found) {
    // One at a time, and then the one that is wanted by then.
    if (isFetching) return;
    isFetching = true;
    try {
      if (known.size > 1000) known.clear();
      known.set(key, await request(key));
    } catch (error) {
      tell(error.message);
      return;
    } finally {
      isFetching = false;
    }
    showUnit();
    return;
  }
  const size = inputsOf(unit.layer);
  const most = found.weights.reduce((most, weight) => Math.max(most, Math.abs(weight)), 1e-9);
  grid(weights, found.weights.map((weight) => weight / most), size.columns, size.rows, LIGHTS);
  const value = answer?.activations[unit.layer][unit.unit];
  const place = hiddenLayers().length > 1 ? `Layer ${unit.layer + 1}, unit ${unit.unit}` : `Unit ${unit.unit}`;
  text.textContent = value === undefined || value === null ? place : `${place}\nputs out ${value.toFixed(2).replace("-", "\u2212")}`;
}

/** How the inputs of a layer are laid out: the image, or the squares of the layer before. */
function inputsOf(layer) {
  if (layer === 0) return { columns, rows };
  const across = gridColumns(model.layers[layer - 1].units);
  return { columns: across, rows: Math.ceil(model.layers[layer - 1].units / across) };
}

/* ---- The beginning ---- */

/** What there is to draw, as far as the classes tell. */
function subject() {
  const names = [...Array(classCount()).keys()].map(nameOf);
  if (names.every((name) => /^\d$/.test(name)) && classCount() === 10) return "Draw a digit";
  if (names.every((name) => [...name].length === 1)) return "Draw a character";
  return "Draw something";
}

function introduce() {
  const title = subject();
  document.title = title;
  element("title").textContent = title;
  const sizes = [model.layers[0].inputs, ...model.layers.map((layer) => layer.units)].join("-");
  const accuracy = model.training?.held_out_accuracy;
  const facts = [
    [model.path],
    [sizes],
    [`${model.parameters.toLocaleString("en")} parameters`, "detail"],
    [accuracy && `${percent(accuracy)} accuracy`],
  ];
  for (const [fact, kind] of facts.filter(([fact]) => fact)) {
    const part = document.createElement("span");
    part.className = kind ?? "";
    part.textContent = fact;
    element("network").append(part);
  }
  element("seen-note").textContent =
    `${columns} × ${rows} numbers: your drawing, cut out, scaled, and moved until its weight is in the middle.`;
  element("units").hidden = hiddenLayers().length === 0;
  document.documentElement.style.setProperty("--aspect", columns / rows);
  const scale = Math.max(SENT_SIDE / Math.max(columns, rows), SENT_FOR_EACH);
  // The server reads pictures up to a size.
  const bounded = Math.min(scale, 2000 / Math.max(columns, rows));
  sent.width = Math.max(1, Math.round(columns * bounded));
  sent.height = Math.max(1, Math.round(rows * bounded));
}

async function start() {
  try {
    const described = await request("model");
    if (described.image_shape.length !== 2) {
      tell(`Nothing can be drawn for this model: its images are ${described.image_shape.join(" × ")}, no pictures.`);
      element("main").setAttribute("aria-busy", "false");
      return;
    }
    model = described;
  } catch (error) {
    tell(error.message);
    return;
  }
  [rows, columns] = model.image_shape;
  introduce();
  makeLayers();
  new ResizeObserver(() => {
    board.width = Math.round(board.clientWidth * devicePixelRatio);
    board.height = Math.round(board.clientHeight * devicePixelRatio);
    redraw();
  }).observe(board);
  matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => {
    redraw();
    show(answer);
  });
  ask();
}

start();
