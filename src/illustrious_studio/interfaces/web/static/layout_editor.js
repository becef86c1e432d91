// The editor of layouts. It runs once, inside the invisible component #layout-held, whose value is what is shown, as
// JSON (HeldLayout in held.py), or nothing: then the words decide when the picture is drawn. `trigger('show')` has the
// server lay the words out, `trigger('fit')` has it follow a change of the form; `watch` gets what came of it.

const MOST = 24;
const WORDS = ['prompt', 'seed']; // what a layout is made from
const SIZE = ['shape', 'width', 'height'];

let held = read(props.value);
let undo = null; // what was held before the last thing that took something away
let form = null; // the values of the form, by name
let edits = 0;
let askedAt = 0; // how many edits there were when the server was asked
let asking = 0; // how many of its answers are awaited
let busy = false;
let known = null; // [name, aspect, ...synonyms] of everything that can be painted

function read(text) {
  return text ? JSON.parse(text) : null;
}

function save() {
  props.value = held ? JSON.stringify(held) : '';
  edits += 1;
  sayStale();
}

function changedByHand() {
  held.layout.by = 'hand';
  save();
  paint();
}

// ---- What the server says, and what the form says -------------------------------------------------------------------

function ask(what) {
  askedAt = edits;
  asking += 1;
  if (what === 'show') {
    undo = held;
    busy = true;
    controls();
    trigger('show');
  } else {
    trigger('fit');
  }
}

watch('value', () => {
  if (props.value === (held ? JSON.stringify(held) : '')) return; // our own
  if (asking && askedAt !== edits && held) { // somebody went on moving boxes meanwhile: that counts
    props.value = JSON.stringify(held);
    return;
  }
  held = read(props.value);
  sync();
});

document.addEventListener('studio-laid-out', (event) => { // the server has answered, or failed
  asking -= 1;
  if (event.detail === 'show') busy = false;
  controls();
});

let fitting = 0;
document.addEventListener('studio-form', (event) => {
  const before = form;
  form = event.detail;
  sayStale();
  if (!held || !before) return;
  const [words, shape] = [WORDS, SIZE].map((names) => names.some((name) => form[name] !== before[name]));
  if (!(shape || (words && held.layout.by !== 'hand'))) return;
  clearTimeout(fitting);
  fitting = setTimeout(() => { if (held) ask('fit'); }, 500);
});

function sayStale() {
  const words = $('#layout-stale');
  if (words) words.hidden = !(held && held.layout.by === 'hand' && form && form.prompt !== held.prompt);
}

document.addEventListener('click', (event) => {
  const name = event.target.closest('button[name]')?.name;
  if (name === 'layout_again') ask('show');
  if (name === 'layout_keep' && held) { held.prompt = form.prompt; save(); }
});

// ---- The editor's parts ---------------------------------------------------------------------------------------------

function build(editor) {
  editor.dataset.ready = 'yes';
  const button = (label, action, name) => make('button', { type: 'button', class: 'act', 'data-does': name, onclick: action }, label);
  editor.replaceChildren(
    make('div', { class: 'buttons' },
      button('Show layout', () => ask('show'), 'show'),
      button('Back to the words', reset, 'reset'),
      button('Undo', takeBack, 'undo')),
    make('div', { class: 'board', role: 'group', 'aria-label': 'Layout: boxes over the sketch' }, make('img', { alt: '', draggable: 'false' })),
    make('p', { class: 'layout-status quiet', role: 'status' }),
    make('form', { class: 'layout-add', onsubmit: add },
      make('input', { list: 'layout-names', 'aria-label': 'Add an object', placeholder: 'Add an object', maxlength: '100', autocomplete: 'off' }),
      make('button', { type: 'submit', class: 'act' }, 'Add'),
      make('datalist', { id: 'layout-names' })),
    make('p', { class: 'hint' }, 'Drag a box to move it and its corners to resize it. With the keyboard: arrow keys move, Shift and arrow keys resize, Delete removes, Escape goes back to the words.'),
    make('p', { class: 'unseen layout-announced', role: 'status' }),
  );
  sync();
}

function controls() {
  const editor = $('#layout-editor[data-ready]');
  if (!editor) return;
  const show = $('[data-does=show]', editor);
  show.textContent = busy ? 'Laying out…' : held ? 'Lay out again' : 'Show layout';
  show.disabled = busy;
  $('[data-does=reset]', editor).hidden = !held;
  $('[data-does=undo]', editor).hidden = !undo || busy;
  for (const part of ['.board', '.layout-add', '.hint']) $(part, editor).hidden = !held;
}

function sync() {
  const editor = $('#layout-editor[data-ready]');
  if (!editor) return;
  controls();
  sayStale();
  showStatus(held?.told || '');
  const board = $('.board', editor);
  $$('.thing', board).forEach((one) => one.remove());
  if (!held) return;
  board.style.setProperty('--aspect', held.width / held.height);
  held.layout.things.forEach((thing, index) => board.append(box(thing, index)));
  paint();
  learn();
}

function box(thing, index) {
  const element = make('div', {
    class: 'thing', tabindex: '0', role: 'group', 'aria-roledescription': 'movable box',
    onkeydown: (event) => press(event, index), onpointerdown: (event) => grab(event, index),
  },
  make('span', { class: 'thing-name', 'aria-hidden': 'true' }, thing.what),
  make('button', { type: 'button', class: 'thing-remove', 'aria-label': `Remove ${thing.what}`, onclick: () => remove(index) }, '×'),
  ...corners());
  place(element, thing);
  return element;
}

function place(element, thing) {
  element.setAttribute('aria-label', `${thing.what}, ${putAt(element, thing)}`);
}

function showStatus(text) {
  const status = $('#layout-editor .layout-status');
  if (status) status.textContent = text;
}

// ---- Changing ------------------------------------------------------------------------------------------------------

function resized(thing, [across, down], scale) { // the opposite corner stays, and so does the shape
  const left = thing.x - across * thing.w / 2;
  const top = thing.y - down * thing.h / 2;
  const room = Math.min((across > 0 ? 1 - left : left) / thing.w, (down > 0 ? 1 - top : top) / thing.h);
  const by = between(SMALLEST / Math.min(thing.w, thing.h), scale, room);
  const [w, h] = [thing.w * by, thing.h * by];
  return { ...thing, x: round(left + across * w / 2), y: round(top + down * h / 2), w: round(w), h: round(h) };
}

function change(index, thing) {
  held.layout.things[index] = thing;
  place($$('#layout-editor .thing')[index], thing);
}

function grab(event, index) {
  if (event.button || event.target.closest('button')) return;
  drag(event, held.layout.things[index], {
    resized: (start, corner, dx, dy) => {
      const [wider, higher] = [1 + corner[0] * dx / start.w, 1 + corner[1] * dy / start.h];
      return resized(start, corner, Math.abs(wider - 1) > Math.abs(higher - 1) ? wider : higher);
    },
    change: (thing) => change(index, thing),
    changed: changedByHand,
  });
}

function press(event, index) {
  const way = KEYS[event.key];
  const thing = held.layout.things[index];
  if (way && !event.ctrlKey && !event.altKey && !event.metaKey) {
    event.preventDefault();
    const grow = (way[0] || -way[1]) * STEP; // right and up is larger
    const corner = [thing.x < 0.5 ? 1 : -1, thing.y < 0.5 ? 1 : -1];
    change(index, event.shiftKey ? resized(thing, corner, 1 + grow / thing.w) : moved(thing, way[0] * STEP, way[1] * STEP));
    $('#layout-editor .layout-announced').textContent = event.currentTarget.getAttribute('aria-label');
    changedByHand();
  } else if ((event.key === 'Delete' || event.key === 'Backspace') && event.target === event.currentTarget) {
    event.preventDefault();
    remove(index);
  } else if (event.key === 'Escape') {
    event.preventDefault();
    reset();
  }
}

function remove(index) {
  undo = structuredClone(held);
  held.layout.things.splice(index, 1);
  changedByHand();
  sync();
  const boxes = $$('#layout-editor .thing');
  (boxes[Math.min(index, boxes.length - 1)] || $('#layout-editor [data-does=undo]')).focus();
}

async function add(event) {
  event.preventDefault();
  const input = $('input', event.currentTarget);
  const name = input.value.trim().toLowerCase();
  if (!name || !held) return;
  if (held.layout.things.length >= MOST) return showStatus(`A layout holds at most ${MOST} things.`);
  await learn();
  const found = known?.find(([one]) => one === name) || known?.find(([, , ...synonyms]) => synonyms.includes(name));
  const ratio = (found ? found[1] : 1) / (held.width / held.height);
  const [w, h] = ratio > 1 ? [0.3, 0.3 / ratio] : [0.3 * ratio, 0.3];
  const thing = { what: found ? found[0] : name, x: 0.5, y: 0.5, w: round(w), h: round(h), colour: '' };
  if (!found) { // the server knows which names are near
    const trial = structuredClone(held);
    trial.layout.things.push(thing);
    const answer = await post(trial);
    return showStatus(answer.ok ? '' : await refusal(answer));
  }
  held.layout.things.push(thing);
  input.value = '';
  changedByHand();
  sync();
  showStatus('');
  $$('#layout-editor .thing').at(-1).focus();
}

function reset() {
  undo = held;
  held = null;
  save();
  sync();
  showStatus('The words decide again.');
  $('#layout-editor [data-does=undo]').focus();
}

function takeBack() {
  [held, undo] = [undo, null];
  save();
  sync();
}

// ---- The sketch -----------------------------------------------------------------------------------------------------

let painting = 0;
let turn = 0;

function paint() {
  clearTimeout(painting);
  painting = setTimeout(async () => {
    if (!held) return;
    const mine = ++turn;
    const answer = await post(held);
    if (mine !== turn) return;
    if (!answer.ok) return showStatus(await refusal(answer));
    const picture = $('#layout-editor .board img');
    if (!picture) return;
    URL.revokeObjectURL(picture.src);
    picture.src = URL.createObjectURL(await answer.blob());
    picture.alt = `Sketch of ${held?.layout.things.map((thing) => thing.what).join(', ') || 'no things'}`;
  }, 100);
}

function post(what) {
  const body = JSON.stringify(what);
  return fetch('layout/sketch', { method: 'POST', headers: { 'Content-Type': 'application/json' }, body });
}

async function refusal(answer) {
  const page = new DOMParser().parseFromString(await answer.text(), 'text/html');
  return page.body.textContent;
}

async function learn() {
  if (!known) {
    const answer = await fetch('layout/objects');
    if (answer.ok) known = await answer.json();
  }
  const names = $('#layout-names');
  if (known && names && !names.childElementCount) {
    names.append(...known.map(([name]) => make('option', { value: name })));
  }
}

// A folded section is built when it is opened.
new MutationObserver(() => {
  const editor = $('#layout-editor:not([data-ready])');
  if (editor) build(editor);
  if ($('#layout-stale:not([data-known])')) { $('#layout-stale').dataset.known = 'yes'; sayStale(); }
}).observe(document.body, { childList: true, subtree: true });
const there = $('#layout-editor');
if (there) build(there);
