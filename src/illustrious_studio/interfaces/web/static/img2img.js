// The picture to start from, and the mask. It runs once, inside the invisible component #img2img-held, whose value is what is held, as JSON
// (HeldPicture in held.py), or nothing. Pictures and masks are sent to the server as they are chosen and painted, and are
// held by the names that it keeps them under. `trigger('chosen')` has the server bring the size to the picture's shape.

const LARGEST_MASK = 1024; // pixels of its longer side: a mask needs no more
const HIGHEST_BOARD = 400; // pixels, as in the style sheet
const COLOUR = '#0f766e';

let held = read(props.value);
let strokes = []; // canvases as they were before each stroke
let sending = Promise.resolve();
let sides = null; // pixels that outpainting adds: left, right, top, bottom

function read(text) {
  return text ? JSON.parse(text) : null;
}

function save() {
  props.value = held ? JSON.stringify(held) : '';
}

watch('value', () => {
  const before = held;
  held = read(props.value);
  if (held?.image !== before?.image || held?.mask !== before?.mask) sync();
});

// ---- The editor's parts ---------------------------------------------------------------------------------------------

function build(editor) {
  editor.dataset.ready = 'yes';
  const button = (label, action, name) => make('button', { type: 'button', class: 'act', 'data-does': name, onclick: action }, label);
  const file = make('input', { type: 'file', accept: 'image/png,image/jpeg,image/webp', hidden: '', onchange: () => choose(file.files[0]) });
  editor.replaceChildren(
    file,
    make('div', { class: 'buttons' },
      button('Choose a picture', () => file.click(), 'choose'),
      button('Remove', takeAway, 'away'),
      button('Mask the subject', () => maskSubject(false), 'subject'),
      button('Mask the background', () => maskSubject(true), 'background'),
      button('Undo', undo, 'undo'),
      button('Clear mask', clear, 'clear')),
    make('div', { class: 'img2img-board' },
      make('img', { alt: 'The picture to start from', onload: fit }),
      make('canvas', { 'aria-label': 'Mask: paint over what to inpaint', role: 'img', onpointerdown: paint })),
    make('label', { class: 'img2img-brush' }, 'Brush', make('input', { type: 'range', min: '2', max: '30', value: '8' })),
    make('p', { class: 'hint' }, 'Paint a mask over what to inpaint; the rest stays. Without a mask the whole picture is changed.'),
    make('p', { class: 'img2img-status quiet', role: 'status' }),
  );
  editor.addEventListener('dragover', (event) => event.preventDefault());
  editor.addEventListener('drop', (event) => { event.preventDefault(); choose(event.dataTransfer.files[0]); });
  sync();
}

document.addEventListener('paste', (event) => {
  const picture = [...event.clipboardData.files].find((file) => file.type.startsWith('image/'));
  if (picture && $('#img2img-editor')?.offsetParent) { event.preventDefault(); choose(picture); }
});

function sync() {
  const editor = $('#img2img-editor[data-ready]');
  if (!editor) return;
  strokes = [];
  $('[data-does=choose]', editor).textContent = held ? 'Choose another' : 'Choose a picture';
  for (const part of ['[data-does=away]', '.img2img-board']) $(part, editor).hidden = !held;
  for (const part of ['[data-does=subject]', '[data-does=background]', '.img2img-brush', '.hint']) $(part, editor).hidden = !held || outpaints();
  controls();
  const picture = $('.img2img-board img', editor);
  if (!held) return picture.removeAttribute('src');
  const address = `inputs/${held.image}`;
  if (picture.getAttribute('src') !== address) picture.src = address;
  else fit();
}

function controls() {
  const editor = $('#img2img-editor');
  $('[data-does=undo]', editor).hidden = !strokes.length;
  $('[data-does=clear]', editor).hidden = !held?.mask;
}

function showStatus(text) {
  $('#img2img-editor .img2img-status').textContent = text;
}

// ---- Choosing ---------------------------------------------------------------------------------------------------------

async function choose(file) {
  if (!file) return;
  showStatus('Sending the picture …');
  const kept = await send('./inputs', file);
  $('#img2img-editor input[type=file]').value = '';
  if (!kept) return;
  showStatus('');
  held = { image: kept, mask: null };
  save();
  sync();
  trigger('chosen');
}

function takeAway() {
  held = null;
  save();
  sync();
  showStatus('');
  $('#img2img-editor [data-does=choose]').focus();
}

// The name under which the server keeps it; what is wrong with it is shown instead. `where` begins with a dot: Gradio
// takes a quoted word here that is also a parameter of gr.HTML, as inputs is, for an event of that name.
async function send(where, file) {
  let answer;
  try {
    answer = await fetch(where, { method: 'POST', headers: { 'Content-Type': file.type }, body: file });
  } catch {
    return showStatus('The studio does not answer. The picture was not sent.');
  }
  if (answer.ok) return (await answer.json()).id;
  const page = new DOMParser().parseFromString(await answer.text(), 'text/html');
  return showStatus(page.body.textContent);
}

// ---- Outpainting ------------------------------------------------------------------------------------------------------

document.addEventListener('studio-form', ({ detail: form }) => {
  const now = form.outpaint ? ['left', 'right', 'top', 'bottom'].map((side) => Math.max(0, form[`outpaint_${side}`] ?? 0)) : null;
  if (JSON.stringify(now) === JSON.stringify(sides)) return;
  sides = now;
  sync();
});

function outpaints() { // a mask is painted without it
  return Boolean(sides && held && !held.mask);
}

function frame() { // the picture on the canvas that it comes to
  const board = $('#img2img-editor .img2img-board');
  const picture = $('img', board);
  const [left, right, top, bottom] = outpaints() ? sides : [0, 0, 0, 0];
  const width = picture.naturalWidth + left + right;
  const height = picture.naturalHeight + top + bottom;
  board.classList.toggle('outpainting', outpaints());
  const scale = Math.min(1, board.parentElement.clientWidth / width, HIGHEST_BOARD / height);
  picture.style.width = outpaints() ? `${picture.naturalWidth * scale}px` : '';
  board.style.padding = [top, right, bottom, left].map((pixels) => `${pixels * scale}px`).join(' ');
  const [status, becomes] = [$('#img2img-editor .img2img-status'), `becomes ${width} × ${height}`];
  if (outpaints()) showStatus(`${picture.naturalWidth} × ${picture.naturalHeight} ${becomes}.`);
  else if (status.textContent.includes(' becomes ')) showStatus('');
}

// ---- Painting ---------------------------------------------------------------------------------------------------------

function fit() { // the canvas over the picture, with the mask that is held
  const canvas = $('#img2img-editor canvas');
  const picture = $('#img2img-editor img');
  if (!picture.naturalWidth) return;
  const scale = Math.min(1, LARGEST_MASK / Math.max(picture.naturalWidth, picture.naturalHeight));
  canvas.width = Math.round(picture.naturalWidth * scale);
  canvas.height = Math.round(picture.naturalHeight * scale);
  if (held?.mask) show(canvas, held.mask);
  frame();
}

function show(canvas, mask) {
  const picture = new Image();
  picture.onload = () => {
    if (held?.mask !== mask) return;
    const pen = canvas.getContext('2d');
    pen.drawImage(picture, 0, 0, canvas.width, canvas.height);
    const pixels = pen.getImageData(0, 0, canvas.width, canvas.height);
    for (let at = 0; at < pixels.data.length; at += 4) pixels.data[at + 3] = pixels.data[at]; // white is painted
    pen.putImageData(pixels, 0, 0);
    pen.globalCompositeOperation = 'source-in';
    pen.fillStyle = COLOUR;
    pen.fillRect(0, 0, canvas.width, canvas.height);
    pen.globalCompositeOperation = 'source-over';
  };
  picture.src = `inputs/${mask}`;
}

function paint(event) {
  if (event.button) return;
  event.preventDefault();
  const canvas = event.currentTarget;
  const box = canvas.getBoundingClientRect();
  const pen = canvas.getContext('2d');
  remember(canvas);
  const at = (now) => [(now.clientX - box.left) * canvas.width / box.width, (now.clientY - box.top) * canvas.height / box.height];
  Object.assign(pen, { strokeStyle: COLOUR, lineCap: 'round', lineJoin: 'round' });
  pen.lineWidth = Math.max(canvas.width, canvas.height) * $('#img2img-editor .img2img-brush input').value / 100;
  let last = at(event);
  // A press without a move is a dot: a line without any length would not be drawn.
  const line = ([x, y]) => { pen.beginPath(); pen.moveTo(...last); pen.lineTo(x, y + 0.01); pen.stroke(); last = [x, y]; };
  line(last);
  canvas.setPointerCapture(event.pointerId);
  const move = (now) => line(at(now));
  const end = () => {
    canvas.removeEventListener('pointermove', move);
    for (const name of ['pointerup', 'pointercancel']) canvas.removeEventListener(name, end);
    keep(canvas);
  };
  canvas.addEventListener('pointermove', move);
  for (const name of ['pointerup', 'pointercancel']) canvas.addEventListener(name, end);
}

function remember(canvas) { // so that what is done next can be taken back
  const before = make('canvas', { width: canvas.width, height: canvas.height });
  before.getContext('2d').drawImage(canvas, 0, 0);
  const mask = sending.then(() => held?.mask ?? null); // of what was done before, which may still be on its way
  strokes = [...strokes, { canvas: before, mask }].slice(-20);
}

// The studio finds the subject; its mask takes the place of what is painted, and can be painted on.
function maskSubject(inverted) {
  const canvas = $('#img2img-editor canvas');
  const { image } = held;
  remember(canvas);
  showStatus('Looking for the subject …');
  const pressed = document.activeElement;
  const meanwhile = $$('#img2img-editor :is(.buttons, .img2img-board)'); // what were painted now would be lost
  for (const part of meanwhile) part.inert = true;
  change(async () => {
    const kept = await send('./masks/subject', new Blob([JSON.stringify({ image, inverted })], { type: 'application/json' }));
    if (!kept) { strokes = strokes.slice(0, -1); return {}; }
    showStatus('');
    return { mask: kept };
  }).then(() => {
    for (const part of meanwhile) part.inert = false;
    pressed?.focus();
    if (held?.image === image) fit();
  });
}

function keep(canvas) {
  const mask = make('canvas', { width: canvas.width, height: canvas.height });
  const pen = mask.getContext('2d');
  pen.drawImage(canvas, 0, 0);
  pen.globalCompositeOperation = 'source-in';
  pen.fillStyle = 'white';
  pen.fillRect(0, 0, mask.width, mask.height);
  pen.globalCompositeOperation = 'destination-over';
  pen.fillStyle = 'black';
  pen.fillRect(0, 0, mask.width, mask.height);
  change(async () => {
    const kept = await send('./masks', await new Promise((done) => { mask.toBlob(done, 'image/png'); }));
    return kept ? { mask: kept } : {};
  });
}

// What is done on the canvas becomes what is held, one after the other; the next picture must not miss any of it.
function change(work) {
  const { image } = held;
  const generate = $('#generate');
  generate.disabled = true;
  const mine = sending.then(work).then((changed) => {
    if (held?.image === image && 'mask' in changed) { held = { ...held, ...changed }; save(); }
    controls();
  }).catch(() => {}).finally(() => { if (mine === sending) generate.disabled = false; });
  sending = mine;
  controls();
  return mine;
}

function undo() {
  if (!strokes.length) return;
  const { canvas: before, mask } = strokes.at(-1);
  strokes = strokes.slice(0, -1);
  wipe().drawImage(before, 0, 0);
  change(async () => ({ mask: await mask }));
}

function clear() {
  wipe();
  strokes = [];
  change(() => ({ mask: null }));
  $('#img2img-editor [data-does=choose]').focus();
}

function wipe() {
  const canvas = $('#img2img-editor canvas');
  const pen = canvas.getContext('2d');
  pen.clearRect(0, 0, canvas.width, canvas.height);
  return pen;
}

// A folded section is built when it is opened.
new MutationObserver(() => {
  const editor = $('#img2img-editor:not([data-ready])');
  if (editor) build(editor);
}).observe(document.body, { childList: true, subtree: true });
const there = $('#img2img-editor');
if (there) build(there);
