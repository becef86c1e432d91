// Pictures that steer a drawing. It runs once, inside the invisible component #controlnet-held, whose value is what is held:
// a list of controls as JSON (Control in domain/controls.py), or nothing. Pictures are sent to the server as they are
// chosen, and are held by the names that it keeps them under.

const MOST = 10;
const NUMBERS = [['weight', 'Weight', 0, 2, 0.05, 1], ['start', 'Starts at', 0, 1, 0.05, 0], ['end', 'Ends at', 0, 1, 0.05, 1]];
const MODES = [['balanced', 'Balanced'], ['prompt', 'My prompt is more important'], ['control', 'ControlNet is more important']];
const FITS = [['crop', 'Crop and resize'], ['stretch', 'Just resize'], ['fill', 'Resize and fill']];
const NONE = 'none';

let held = read(props.value);
let form = null; // the values of the form, by name
let there = null; // the models and preprocessors that there are

function read(text) {
  return text ? JSON.parse(text) : [];
}

function save() {
  props.value = held.length ? JSON.stringify(held) : '';
}

watch('value', () => {
  if (props.value === (held.length ? JSON.stringify(held) : '')) return; // our own
  held = read(props.value);
  sync();
});

document.addEventListener('studio-form', (event) => { form = event.detail; });

const button = (label, action, name) => make('button', { type: 'button', class: 'act', 'data-does': name, onclick: action }, label);

function build(editor) {
  editor.dataset.ready = 'yes';
  editor.replaceChildren(
    make('div', { class: 'controlnet-list' }),
    make('div', { class: 'buttons' }, button('Add a control', add, 'add')),
    make('p', { class: 'controlnet-status quiet', role: 'status' }));
  learn();
}

async function learn() {
  try {
    there = await (await fetch('./controls')).json();
  } catch {
    return say('The studio does not answer.');
  }
  sync();
}

function say(text) {
  $('#controlnet-editor .controlnet-status').textContent = text;
}

function add() {
  if (!there?.models.length) return learn();
  held.push({ model: there.models[0].name, preprocessor: NONE });
  save();
  sync();
  $('#controlnet-editor .control:last-child select')?.focus();
}

function sync() {
  const editor = $('#controlnet-editor[data-ready]');
  if (!editor || !there) return;
  $('.controlnet-list', editor).replaceChildren(...held.map(card));
  $('[data-does=add]', editor).hidden = held.length >= MOST || !there.models.length;
  say(there.models.length ? '' : `No ControlNet, T2I-Adapter or IP-Adapter is there. Put their .safetensors files into ${there.folder}, then open this page again.`);
}

function card(control, index) {
  const set = (name, value) => { held[index] = { ...held[index], [name]: value }; save(); };
  const redo = (name, value) => { set(name, value); sync(); };
  const model = there.models.find((one) => one.name === control.model);
  const preprocessor = there.preprocessors.find((one) => one.name === (control.preprocessor ?? NONE));
  const looks = model?.kind === 'ip-adapter';
  const file = make('input', { type: 'file', accept: 'image/png,image/jpeg,image/webp', hidden: '', onchange: () => choose(index, file.files[0]) });
  const shown = make('div', { class: 'control-pictures' });
  const models = there.models.map((one) => [one.name, `${one.name} (${one.says})`]);
  if (!model) models.unshift([control.model, `${control.model} (not there)`]);
  const parts = [
    file,
    field('Model', choice(models, control.model, (value) => redo('model', value))),
    shown,
    make('div', { class: 'buttons' },
      button(control.image ? 'Choose another picture' : 'Choose a picture', () => file.click(), 'choose'),
      ...(looks ? [] : [button('Preview', () => preview(index, shown), 'preview')]),
      button('Remove', () => { held.splice(index, 1); save(); sync(); $('#controlnet-editor [data-does=add]').focus(); }, 'remove')),
  ];
  if (!looks) {
    const offered = there.preprocessors.map((one) => [one.name, one.missing ? `${one.label} (its model is not there)` : one.label]);
    parts.push(field('Preprocessor', choice(offered, control.preprocessor ?? NONE, (value) => {
      held[index] = { ...held[index], preprocessor: value, threshold_a: null, threshold_b: null };
      save();
      sync();
    }), preprocessor?.about));
    for (const name of ['threshold_a', 'threshold_b']) {
      const one = preprocessor?.[name];
      if (one) parts.push(field(one.label, number(control[name] ?? one.default, one.minimum, one.maximum, one.step, (value) => set(name, value))));
    }
    if (model?.union_types.length) {
      const kinds = [['', 'As the preprocessor makes it'], ...model.union_types.map((one) => [one, one])];
      parts.push(field('The picture shows', choice(kinds, control.union_type ?? '', (value) => set('union_type', value || null))));
    }
  }
  for (const [name, label, least, most, step, usual] of NUMBERS) parts.push(field(label, number(control[name] ?? usual, least, most, step, (value) => set(name, value))));
  if (!looks) {
    parts.push(field('Control mode', choice(MODES, control.mode ?? 'balanced', (value) => set('mode', value))));
    parts.push(field('Resize mode', choice(FITS, control.fit ?? 'crop', (value) => set('fit', value))));
  }
  if (control.image) shown.append(make('img', { src: `inputs/${control.image}`, alt: 'The picture that steers' }));
  else shown.append(make('p', { class: 'quiet' }, 'No picture yet: with Image to image its picture is taken.'));
  return make('section', { class: 'control', 'aria-label': `Control ${index + 1}` }, ...parts);
}

function field(label, input, hint) {
  return make('label', { class: 'control-field' }, make('span', {}, label), input, ...(hint ? [make('small', { class: 'quiet' }, hint)] : []));
}

function choice(offered, value, onchange) {
  const select = make('select', { onchange: () => onchange(select.value) }, ...offered.map(([name, label]) => make('option', { value: name }, label)));
  select.value = value;
  return select;
}

function number(value, min, max, step, onchange) {
  const input = make('input', { type: 'number', min, max, step, value, onchange: () => {
    const typed = Number(input.value);
    input.value = Math.min(Math.max(input.value === '' || Number.isNaN(typed) ? value : typed, min), max);
    onchange(Number(input.value));
  } });
  return input;
}

async function choose(index, file) {
  if (!file) return;
  say('Sending the picture …');
  const answer = await post('./inputs', file, file.type);
  if (!answer) return;
  held[index] = { ...held[index], image: (await answer.json()).id };
  save();
  sync();
}

async function preview(index, shown) {
  const control = held[index];
  const picture = form?.held_picture ? JSON.parse(form.held_picture).image : null;
  if (!control.image && !picture) return say('Choose a picture first.');
  say('Looking at the picture …');
  const asked = { control: { ...control, image: control.image ?? picture }, width: form?.width ?? 1024, height: form?.height ?? 1024 };
  const answer = await post('./controls/preview', new Blob([JSON.stringify(asked)]), 'application/json');
  if (!answer) return;
  say('');
  $('.control-map', shown)?.remove();
  shown.append(make('img', { class: 'control-map', src: URL.createObjectURL(await answer.blob()), alt: 'What the model sees' }));
}

// The server's answer; what is wrong is shown instead.
async function post(where, body, type) {
  let answer;
  try {
    answer = await fetch(where, { method: 'POST', headers: { 'Content-Type': type }, body });
  } catch {
    return say('The studio does not answer.');
  }
  if (answer.ok) return answer;
  const text = await answer.text();
  return say(new DOMParser().parseFromString(text, 'text/html').body.textContent);
}

// A folded section is built when it is opened.
new MutationObserver(() => {
  const editor = $('#controlnet-editor:not([data-ready])');
  if (editor) build(editor);
}).observe(document.body, { childList: true, subtree: true });
const now = $('#controlnet-editor');
if (now) build(now);
