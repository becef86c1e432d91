// The editor of regions. It runs once, inside the invisible component #regions-held, whose value is a list of regions as
// JSON (Region in domain/regions.py), or nothing. Boxes lie over the layout's sketch, or over the picture that is shown.

const MOST = 12;
const SHAPES = { square: 1, portrait: 13 / 19, landscape: 19 / 13 };
const WHOLE = { x: 0.5, y: 0.5, w: 1, h: 1, mask: null, strength: 1, feather: 16 };

let regions = read(props.value);
let undo = null; // the regions before the last thing that took some away
let form = null; // the values of the form, by name

function read(text) {
  return text ? JSON.parse(text).map((one) => ({ ...WHOLE, ...one })) : [];
}

function save() {
  props.value = regions.length ? JSON.stringify(regions) : '';
}

watch('value', () => {
  if (props.value === (regions.length ? JSON.stringify(regions) : '')) return; // our own
  regions = read(props.value);
  sync();
});

document.addEventListener('studio-form', (event) => {
  form = event.detail;
  frame();
});

// ---- The editor's parts ---------------------------------------------------------------------------------------------

function build(editor) {
  editor.dataset.ready = 'yes';
  const button = (label, action, name) => make('button', { type: 'button', class: 'act', 'data-does': name, onclick: action }, label);
  editor.replaceChildren(
    make('div', { class: 'buttons' },
      button('Add a region', add, 'add'),
      button('From the layout', () => ask('regions/layout', { layout: heldLayout() }), 'layout'),
      button('Columns', () => splitAt('columns'), 'columns'),
      button('Rows', () => splitAt('rows'), 'rows'),
      button('Remove all', () => become([]), 'clear'),
      button('Undo', takeBack, 'undo')),
    make('div', { class: 'board region-board', role: 'group', 'aria-label': 'Regions: boxes over the picture' }, make('img', { alt: '', draggable: 'false' })),
    make('ol', { class: 'region-list' }),
    make('p', { class: 'region-status quiet', role: 'status' }),
    make('p', { class: 'hint' }, 'Drag a box to move it and its corners to resize it; arrow keys move, Shift and arrow keys resize. '
      + 'The prompt counts wherever no region lies. Columns and Rows put what stands behind each BREAK of the prompt side by side.'),
  );
  sync();
}

function sync() {
  const editor = $('#regions-editor[data-ready]');
  if (!editor) return;
  for (const name of ['clear', 'undo']) $(`[data-does=${name}]`, editor).hidden = name === 'clear' ? !regions.length : !undo;
  $('.region-board', editor).hidden = !regions.length;
  $$('.region', editor).forEach((one) => one.remove());
  $('.region-board', editor).append(...regions.map(box));
  $('.region-list', editor).replaceChildren(...regions.map(row));
  say('');
  frame();
}

function box(region, index) {
  const element = make('div', {
    class: 'region', tabindex: '0', role: 'group', 'aria-roledescription': 'movable box', style: `--region: ${colour(index)}`,
    onkeydown: (event) => press(event, index), onpointerdown: (event) => grab(event, index),
  }, make('span', { class: 'region-name', 'aria-hidden': 'true' }), ...corners());
  place(element, region, index);
  return element;
}

function row(region, index) {
  const words = make('textarea', {
    rows: '2', maxlength: '2000', placeholder: 'What is to be drawn there', 'aria-label': `Words of region ${index + 1}`,
    oninput: (event) => changeAndSave(index, { ...regions[index], prompt: event.target.value }),
    onfocus: () => $$('.region')[index]?.classList.add('shown'), onblur: () => $$('.region')[index]?.classList.remove('shown'),
  });
  words.value = region.prompt;
  const number = (label, name, min, max, step) => {
    const input = make('input', {
      type: 'number', min, max, step, value: region[name],
      onchange: (event) => {
        const value = event.target.valueAsNumber;
        if (Number.isFinite(value)) changeAndSave(index, { ...regions[index], [name]: between(+min, value, +max) });
        event.target.value = regions[index][name];
      },
    });
    return make('label', {}, label, input);
  };
  const file = make('input', { type: 'file', accept: 'image/png,image/jpeg,image/webp', hidden: '', onchange: () => mask(index, file.files[0]) });
  const masked = () => (regions[index].mask ? become(regions.map((one, at) => (at === index ? { ...one, mask: null } : one))) : file.click());
  return make('li', { style: `--region: ${colour(index)}` },
    words,
    make('div', { class: 'region-settings' },
      number('Strength', 'strength', '0.05', '2', '0.05'),
      number('Feather', 'feather', '0', '512', '1'),
      make('button', { type: 'button', class: 'act small', title: 'A picture: the region is its white', onclick: masked }, region.mask ? 'No mask' : 'Mask'),
      make('button', { type: 'button', class: 'act small', 'aria-label': `Remove region ${index + 1}`, onclick: () => remove(index) }, 'Remove'),
      file));
}

const colour = (index) => `hsl(${(index * 137 + 172) % 360} 65% 40%)`;

function place(element, region, index) {
  const where = putAt(element, region);
  const words = region.prompt.trim() || 'no words yet';
  $('.region-name', element).textContent = `${index + 1} ${words.length > 32 ? `${words.slice(0, 31)}…` : words}`;
  element.setAttribute('aria-label', `Region ${index + 1}, ${words}, ${where}`);
  element.classList.toggle('masked', Boolean(region.mask));
  if (region.mask) { // the mask lies over the whole picture, and the box cuts it
    element.style.setProperty('--mask', `url("${new URL(`inputs/${region.mask}`, document.baseURI)}")`);
    element.style.setProperty('--mask-size', `${100 / region.w}% ${100 / region.h}%`);
    const at = (centre, size) => (size < 1 ? ((centre - size / 2) / (1 - size)) * 100 : 0);
    element.style.setProperty('--mask-at', `${at(region.x, region.w)}% ${at(region.y, region.h)}%`);
  }
}

function say(text) {
  const status = $('#regions-editor .region-status');
  if (status) status.textContent = text;
}

// ---- Changing -------------------------------------------------------------------------------------------------------

function change(index, region) {
  regions[index] = region;
  place($$('#regions-editor .region')[index], region, index);
}

function changeAndSave(index, region) {
  change(index, region);
  save();
}

function become(others) { // what takes regions away, or others for them, can be taken back
  undo = regions.length ? structuredClone(regions) : undo;
  regions = others;
  save();
  sync();
  if (regions.length) switchOn();
}

function takeBack() {
  [regions, undo] = [undo, null];
  save();
  sync();
}

function remove(index) {
  become(regions.filter((_, at) => at !== index));
  const boxes = $$('#regions-editor .region');
  (boxes[Math.min(index, boxes.length - 1)] || $('#regions-editor [data-does=undo]')).focus();
}

function add() {
  if (regions.length >= MOST) return say(`A picture holds at most ${MOST} regions.`);
  const step = 0.06 * (regions.length % 5);
  regions.push({ ...WHOLE, prompt: '', x: round(0.3 + step), y: round(0.4 + step), w: 0.4, h: 0.5 });
  save();
  sync();
  switchOn();
  $$('#regions-editor textarea').at(-1).focus();
}

function stretched(region, [across, down], dx, dy) { // the opposite corner stays
  const side = (centre, size, way, by) => {
    const [low, high] = [centre - size / 2, centre + size / 2];
    const [from, to] = way > 0 ? [low, between(low + SMALLEST, high + by, 1)] : [between(0, low + by, high - SMALLEST), high];
    return [round((from + to) / 2), round(to - from)];
  };
  const [x, w] = side(region.x, region.w, across, dx);
  const [y, h] = side(region.y, region.h, down, dy);
  return { ...region, x, y, w, h };
}

function grab(event, index) {
  if (event.button) return;
  drag(event, regions[index], { resized: stretched, change: (region) => change(index, region), changed: save });
}

function press(event, index) {
  const way = KEYS[event.key];
  if (way && !event.ctrlKey && !event.altKey && !event.metaKey) {
    event.preventDefault();
    const [dx, dy] = way.map((one) => one * STEP);
    changeAndSave(index, event.shiftKey ? stretched(regions[index], [1, 1], dx, dy) : moved(regions[index], dx, dy));
  } else if (event.key === 'Delete' || event.key === 'Backspace') {
    event.preventDefault();
    remove(index);
  }
}

function switchOn() {
  const wanted = $('#regions-wanted input');
  if (wanted && !wanted.checked) wanted.click();
}

// ---- What the server knows ------------------------------------------------------------------------------------------

function heldLayout() {
  return form?.held_layout ? JSON.parse(form.held_layout).layout : null;
}

function aspect() {
  return form ? SHAPES[form.shape] || (form.width && form.height ? form.width / form.height : 1) : 1;
}

async function ask(address, more) {
  const body = JSON.stringify({ prompt: $('#prompt textarea').value, seed: Math.max(0, form?.seed ?? 0), aspect: aspect(), ...more });
  const answer = await fetch(address, { method: 'POST', headers: { 'Content-Type': 'application/json' }, body });
  if (!answer.ok) return say(await refusal(answer));
  const made = await answer.json();
  if (made.prompt !== undefined) type(made.prompt);
  become(made.regions.map((one) => ({ ...WHOLE, ...one })));
}

function splitAt(by) {
  return ask('regions/split', { by });
}

async function mask(index, file) {
  if (!file) return;
  const answer = await fetch('masks', { method: 'POST', body: file });
  if (!answer.ok) return say(await refusal(answer));
  const { id } = await answer.json();
  regions[index] = { ...regions[index], mask: id };
  save();
  sync();
}

async function refusal(answer) {
  const text = await answer.text();
  if (answer.headers.get('Content-Type')?.includes('json')) return JSON.parse(text).detail;
  return new DOMParser().parseFromString(text, 'text/html').body.textContent;
}

function type(prompt) {
  const words = $('#prompt textarea');
  Object.getOwnPropertyDescriptor(HTMLTextAreaElement.prototype, 'value').set.call(words, prompt);
  words.dispatchEvent(new Event('input', { bubbles: true }));
}

// ---- What lies below ------------------------------------------------------------------------------------------------

let below = ''; // the layout, or the picture, that lies there
let turn = 0;

async function frame() {
  const board = $('#regions-editor[data-ready] .region-board');
  if (!board || !regions.length) return;
  board.style.setProperty('--aspect', aspect());
  const text = form?.held_layout || '';
  const picture = $('#picture img')?.src ?? '';
  if ((text || picture) === below) return;
  below = text || picture;
  const mine = ++turn;
  if (!text) return show(board, picture);
  const answer = await fetch('layout/sketch', { method: 'POST', headers: { 'Content-Type': 'application/json' }, body: text });
  if (mine === turn && answer.ok) show(board, URL.createObjectURL(await answer.blob()));
}

function show(board, address) {
  const picture = $('img', board);
  if (picture.src.startsWith('blob:')) URL.revokeObjectURL(picture.src);
  if (address) picture.src = address;
  else picture.removeAttribute('src');
}

// A folded section is built when it is opened.
new MutationObserver(() => {
  const editor = $('#regions-editor:not([data-ready])');
  if (editor) build(editor);
  frame(); // another picture may be shown
}).observe(document.body, { childList: true, subtree: true });
const there = $('#regions-editor');
if (there) build(there);
