// The page's script. It runs once, inside the invisible component #acts: `trigger(name)` raises an event that the
// server answers, and `props.value` is what the event carries. Three things happen here and nowhere else: presses on
// buttons become events, the state is asked for as it changes, and keys do what they say.

// Events the server answers. A press on a button of one of these names raises it with the button's value.
const EVENTS = new Set([
  'example', 'undo_enhance', 'regenerate', 'variation', 'upscale', 'redraw', 'detail', 'retry', 'reuse', 'img2img', 'outpaint', 'seed', 'show', 'cancel', 'cancel_grid', 'delete', 'restore',
  'favourite', 'to_chat', 'detach', 'open_chat', 'choose', 'new_chat', 'rename', 'forget', 'remember', 'say', 'ask',
  'reuse_recorded', 'finished', 'model', 'busy', 'idle', 'chat_changed', 'reindex',
  'check_models', 'use_checkpoint', 'open_models', 'lora', 'lora_less', 'lora_more',
  'report', 'hashed', 'use_preset', 'use_offered',
]);

function raise(name, value = '') {
  props.value = value;
  trigger(name);
}

// ---- State: jobs and models live on the server; the page asks for them -------------------------------------------

let seen = '';
let model = null;
let busy = false;
let peeking = false;
let timer = 0;
let hurry = 0;
let active = 0; // jobs that are not over yet
let asking = null;
let lastEnd = ''; // the last job whose end was passed on to the server, to be shown

function schedule() {
  clearTimeout(timer);
  const pause = document.hidden ? 8000 : active ? 400 : hurry-- > 0 ? 300 : 2500;
  timer = setTimeout(poll, pause);
}

function poke() {
  hurry = 6;
  clearTimeout(timer);
  timer = setTimeout(poll, 50);
}

async function poll() { // a new question takes the place of one that is still out, so no answer is older than the last
  clearTimeout(timer);
  asking?.abort();
  const mine = new AbortController();
  asking = mine;
  const query = new URLSearchParams({ seen });
  const shown = $('#shown-jobs [data-shown]')?.dataset.shown;
  if (shown) query.set('after', shown);
  let state = null;
  try {
    const answer = await fetch(`live?${query}`, { cache: 'no-store', signal: mine.signal });
    if (answer.ok) state = await answer.json();
  } catch { /* the studio does not answer, or is asked again */ }
  if (mine !== asking) return;
  asking = null;
  if (state) show(state);
  away(!state);
  schedule();
}

function away(is) {
  document.body.classList.toggle('away', is);
  for (const words of $$('.away-words')) words.hidden = !is;
}

function show(state) {
  seen = state.mark;
  for (const [name, html] of Object.entries(state.regions)) {
    for (const place of $$(`[data-live="${name}"]`)) place.innerHTML = html;
    regions[name] = html;
  }
  if (model !== null && state.model !== model) raise('model', state.model);
  model = state.model;
  document.body.classList.toggle('sketches', state.sketches);
  active = state.jobs.length;
  for (const job of state.jobs) {
    for (const place of $$(`[data-progress="${job.id}"]`)) place.innerHTML = job.html;
  }
  const last = state.ended.at(-1)?.id;
  if (last && last !== lastEnd) { // once for each end; several at once are one event
    lastEnd = last;
    raise('finished', peeking ? 'peek' : '');
    for (const session of new Set(state.ended.map((job) => job.session))) if (session) raise('chat_changed', session);
    reloadGallery();
  }
  const hashing = $('[data-hashing]'); // a report whose hashes are still being computed
  if (hashing?.offsetParent) raise('hashed', hashing.dataset.hashing);
  showGrid();
  const running = state.jobs.filter((job) => job.running);
  progress(running.length ? running : state.jobs.slice(0, 1));
}

// The grid that Create shows: the server says which, and it is asked for again until all of it is over.
let gridAsked = false;
async function showGrid() {
  const place = $('#grid-view');
  const id = $('#grid-shown [data-grid]')?.dataset.grid ?? '';
  if (!place || gridAsked) return;
  if (!id || sessionStorage.getItem('studio.grid.closed') === id) { place.innerHTML = ''; place.dataset.of = ''; return; }
  if (place.dataset.of === id && $('[data-finished]', place)) return;
  gridAsked = true;
  const answer = await fetch(`fragments/grids/${id}`, { cache: 'no-store' }).catch(() => null);
  gridAsked = false;
  if (!answer?.ok) return;
  const html = await answer.text();
  if (place.dataset.of === id && place.dataset.html === html) return;
  const at = $$('.grid-block', place).map((block) => block.scrollLeft);
  place.innerHTML = html;
  place.dataset.of = id;
  place.dataset.html = html;
  $$('.grid-block', place).forEach((block, number) => { block.scrollLeft = at[number] ?? 0; });
}

function closeGrid(id) {
  sessionStorage.setItem('studio.grid.closed', id);
  showGrid();
}

function openGrid(id) { // in the gallery; without one, all of its pictures again
  asked.grid = id;
  $$('dialog[open]').forEach((one) => one.close());
  openTab('gallery');
  loadGallery();
}

const regions = {};
function fill() { // parts of the page that came later get what is known already
  for (const place of $$('[data-live]')) {
    if (!place.innerHTML && regions[place.dataset.live]) place.innerHTML = regions[place.dataset.live];
  }
}

function progress(jobs) { // several, where they are drawn in one go
  const place = $('#progress');
  if (!place) return;
  if (Boolean(jobs.length) !== busy) {
    busy = Boolean(jobs.length);
    raise(busy ? 'busy' : 'idle');
    if (!busy) peeking = false;
  }
  place.hidden = !jobs.length;
  place.classList.toggle('batch', jobs.length > 1);
  place.innerHTML = jobs.map((job) => `<div class="one">${job.html}</div>`).join('');
  // The last picture stays until there is something to see of the next one.
  const instead = Boolean(jobs.length) && !peeking && Boolean($('img.preview', place) || !$('#picture img'));
  document.body.classList.toggle('drawing-now', instead);
}

// ---- Presses ------------------------------------------------------------------------------------------------------

const LEADS_TO = {
  report: 'system', use_preset: 'create', regenerate: 'create', variation: 'create', upscale: 'create', redraw: 'create', detail: 'create', reuse: 'create', img2img: 'create', outpaint: 'create', reuse_recorded: 'create', to_chat: 'chat', open_chat: 'chat',
};

document.addEventListener('click', (event) => {
  const tab = event.target.closest('[role=tab]');
  if (tab) localStorage.setItem('studio.tab', tab.dataset.tabId);
  if (event.target.closest('#system, #tab-system-button')) poke();
  const button = event.target.closest('button[name]');
  if (button?.name !== 'drawer' && !event.target.closest('#chat-side')) document.body.classList.remove('drawer-open');
  if (!button) return;
  const { name, value } = button;
  if (name === 'tab') return openTab(value);
  if (name === 'zoom') return zoom(value);
  if (name === 'copy') return copy(button, value);
  if (name === 'copy_code') return copy(button, $('pre', button.closest('.code')).innerText);
  if (name === 'copy_text') return copy(button, $('.md', button.closest('article')).innerText);
  if (name === 'open') return openLarge(value);
  if (name === 'cutout') return showCutout(value);
  if (name === 'step') return stepLarge(Number(value));
  if (name === 'close_grid') return closeGrid(value);
  if (name === 'grid') return openGrid(value);
  if (name === 'close') return button.closest('dialog').close();
  if (name === 'filter') return filter(button);
  if (name === 'drawer') return document.body.classList.toggle('drawer-open');
  if (name === 'shown_seed') { const seed = $('#picture .facts [name=seed]'); return seed && raise('seed', seed.value); }
  if (name === 'edit_title') return editTitle(button);
  if (name === 'loras_again') return loadLoras();
  if (name === 'steps_hide' || name === 'steps_show') return showSteps(name === 'steps_show');
  if (!EVENTS.has(name)) return;
  if (name === 'show') { peeking = busy; document.body.classList.remove('drawing-now'); }
  if (name === 'show' && button.closest('#grid-view')) $('#picture')?.scrollIntoView({ behavior: 'smooth', block: 'nearest' });
  if (['regenerate', 'variation', 'upscale', 'redraw', 'detail', 'retry', 'example'].includes(name)) { peeking = false; poke(); }
  if (['check_models', 'use_checkpoint'].includes(name)) { button.disabled = true; button.textContent = name === 'check_models' ? 'Checking' : 'Loading'; }
  if (name === 'cancel' || name === 'cancel_grid') { button.disabled = true; button.textContent = 'Cancelling'; hurry = 6; }
  if (['regenerate', 'variation', 'upscale', 'redraw', 'detail', 'reuse', 'img2img', 'outpaint', 'to_chat', 'delete', 'open_chat'].includes(name)) $$('dialog[open]').forEach((one) => one.close());
  if (['choose', 'new_chat', 'open_chat', 'say'].includes(name)) { down = true; }
  if (['choose', 'new_chat', 'open_chat'].includes(name)) document.body.classList.remove('drawer-open');
  if (LEADS_TO[name]) localStorage.setItem('studio.tab', LEADS_TO[name]);
  raise(name, value);
  if (name === 'say') $('#chat-box textarea')?.focus();
});

function openTab(name) {
  $(`#tab-${name}-button`)?.click();
}

async function copy(button, text) {
  if (navigator.clipboard) await navigator.clipboard.writeText(text);
  else copyTheOldWay(button, text); // over plain HTTP from another machine, browsers have no clipboard for pages
  const before = button.textContent;
  button.textContent = 'Copied';
  setTimeout(() => { button.textContent = before; }, 1500);
}

function copyTheOldWay(button, text) {
  const box = Object.assign(document.createElement('textarea'), { value: text, className: 'unseen' });
  button.after(box);
  box.select();
  document.execCommand('copy');
  box.remove();
  button.focus();
}

// ---- LoRAs and the token meter -------------------------------------------------------------------------------------

async function loadLoras() {
  for (let tries = 0; tries < 40 && !$('#loras'); tries++) await new Promise((done) => { setTimeout(done, 50); }); // the fold opens
  const place = $('#loras');
  if (!place) return;
  const answer = await fetch('fragments/loras', { cache: 'no-store' }).catch(() => null);
  if (!answer?.ok) return;
  place.innerHTML = await answer.text();
  markLoras();
}

document.addEventListener('click', (event) => {
  if (event.target.closest('#loras-fold') && !$('#loras')?.innerHTML) loadLoras();
});
document.addEventListener('input', (event) => {
  if (event.target.id !== 'lora-search') return;
  const wanted = event.target.value.toLowerCase();
  for (const card of $$('[data-lora]')) card.hidden = !card.dataset.words.includes(wanted);
  $('#no-lora').hidden = Boolean($('[data-lora]:not([hidden])'));
});

let words = '';
let used = {}; // of the LoRAs in the prompt, by their files' names, the weights of each tag
let counting = 0;
document.addEventListener('studio-form', (event) => {
  if (event.detail.prompt === words) return;
  words = event.detail.prompt ?? '';
  clearTimeout(counting);
  counting = setTimeout(count, 300);
});

function markLoras() { // which are in the prompt, and how much of each
  for (const card of $$('[data-lora]')) {
    const weights = used[card.dataset.lora];
    card.classList.toggle('used', Boolean(weights));
    $('.lora-weight', card).textContent = weights?.join(' + ') ?? '';
    $('[name=lora]', card).textContent = weights ? 'Remove' : 'Use';
  }
}

async function count() {
  const asked = words;
  const body = JSON.stringify({ prompt: asked });
  const answer = await fetch('tokens', { method: 'POST', body, headers: { 'Content-Type': 'application/json' } }).catch(() => null);
  const place = $('#tokens');
  if (!answer || asked !== words || !place) return;
  const found = await answer.json().catch(() => ({}));
  if (!answer.ok) found.problem = found.detail ?? 'The tokens cannot be counted.';
  used = found.loras ?? {};
  markLoras();
  const parts = found.chunks?.length > 1 ? `, in ${found.chunks.length} chunks` : '';
  place.textContent = found.problem || (found.count ? `${found.count} / ${found.limit} tokens${parts}` : '');
  place.classList.toggle('wrong', Boolean(found.problem));
}

function editTitle(button) {
  const choice = $('.session', button.closest('li'));
  const title = $('.title', choice);
  const box = Object.assign(document.createElement('input'), { value: title.textContent, className: 'title-box' });
  box.setAttribute('aria-label', 'New title');
  choice.before(box);
  choice.hidden = true;
  box.focus();
  box.select();
  const end = (keep) => {
    if (choice.hidden === false) return;
    choice.hidden = false;
    const text = box.value.trim();
    box.remove();
    if (!keep || !text || text === title.textContent) return;
    title.textContent = text;
    raise('rename', `${button.value} ${text}`);
  };
  box.addEventListener('keydown', (event) => {
    if (event.key === 'Enter') end(true);
    if (event.key === 'Escape') end(false);
  });
  box.addEventListener('blur', () => end(true));
}

// ---- The first steps ----------------------------------------------------------------------------------------------

// Hidden once, they stay hidden in this browser until somebody asks for them. On a phone they begin folded.
function showSteps(shown) {
  localStorage.setItem('studio.steps', shown ? 'shown' : 'hidden');
  document.body.classList.toggle('steps-hidden', !shown);
  const steps = $('details.steps');
  if (shown && steps) { openTab('create'); steps.open = true; steps.scrollIntoView({ block: 'nearest' }); }
}

let stepsOpen = innerWidth >= 860;
function foldSteps() {
  const steps = $('details.steps:not([data-folded])');
  if (!steps) return;
  steps.dataset.folded = 'yes';
  steps.open = stepsOpen;
  steps.addEventListener('toggle', () => { stepsOpen = steps.open; });
}

document.body.classList.toggle('steps-hidden', localStorage.getItem('studio.steps') === 'hidden');
// Only who sits before the machine sees the folder that it opens.
document.body.classList.toggle('here', ['localhost', '127.0.0.1', '[::1]'].includes(location.hostname));

// ---- The gallery --------------------------------------------------------------------------------------------------

const asked = { q: '', favourites: false, from_chat: false, grid: '' };
let round = 0;

async function loadGallery(cursor) {
  const grid = $('#gallery-grid');
  if (!grid) return;
  const mine = cursor ? round : ++round;
  const query = new URLSearchParams({ q: asked.q });
  for (const name of ['favourites', 'from_chat']) if (asked[name]) query.set(name, 'true');
  if (asked.grid) query.set('grid', asked.grid);
  if (cursor) query.set('cursor', cursor);
  const answer = await fetch(`fragments/gallery?${query}`, { cache: 'no-store' });
  const html = await answer.text();
  if (mine !== round) return;
  $('.more', grid)?.remove();
  if (cursor) grid.insertAdjacentHTML('beforeend', html);
  else grid.innerHTML = html;
  const more = $('.more', grid);
  if (more) sight.observe(more);
}

function reloadGallery() {
  const grid = $('#gallery-grid');
  if (grid && grid.dataset.loaded) loadGallery();
}

const sight = new IntersectionObserver((entries) => {
  for (const entry of entries) {
    if (!entry.isIntersecting) continue;
    if (entry.target.id === 'gallery-grid') {
      if (!entry.target.dataset.loaded) { entry.target.dataset.loaded = 'yes'; loadGallery(); }
    } else {
      sight.unobserve(entry.target);
      loadGallery(entry.target.dataset.cursor);
    }
  }
}, { rootMargin: '600px' });

let typing = 0;
document.addEventListener('input', (event) => {
  if (event.target.id !== 'gallery-search') return;
  clearTimeout(typing);
  typing = setTimeout(() => { asked.q = event.target.value; asked.grid = ''; loadGallery(); }, 250);
});

function filter(button) {
  asked[button.value] = !asked[button.value];
  asked.grid = '';
  button.setAttribute('aria-pressed', String(asked[button.value]));
  loadGallery();
}

let large = '';
async function openLarge(id) {
  const dialog = $('#viewer');
  const answer = await fetch(`fragments/picture/${id}`, { cache: 'no-store' });
  large = id;
  $('.viewer-body', dialog).innerHTML = await answer.text();
  const thumbs = $$('#gallery-grid .thumb');
  const place = thumbs.findIndex((thumb) => thumb.value === id);
  $('[name=step][value="-1"]', dialog).disabled = place <= 0;
  $('[name=step][value="1"]', dialog).disabled = place < 0 || place === thumbs.length - 1;
  if (!dialog.open) dialog.showModal();
}

function stepLarge(by) {
  const thumbs = $$('#gallery-grid .thumb');
  const next = thumbs[thumbs.findIndex((thumb) => thumb.value === large) + by];
  if (next) { next.scrollIntoView({ block: 'nearest' }); openLarge(next.value); }
}

function zoom(url) {
  const dialog = $('#zoom');
  const picture = $('img', dialog);
  picture.src = url;
  picture.alt = 'The picture in full size';
  dialog.showModal();
}

// The picture without its background. The studio keeps nothing of it: what is shown is what is downloaded.
let cutting = '';
let cutoutUrl = '';
async function showCutout(id) {
  const dialog = $('#cutout');
  const [link, status, picture] = ['a', '[role=status]', 'img'].map((part) => $(part, dialog));
  cutting = id;
  link.hidden = picture.hidden = true;
  status.textContent = 'Removing the background …';
  if (!dialog.open) dialog.showModal();
  let failed = '';
  let answer = null;
  try {
    answer = await fetch(`pictures/${id}/cutout.png`);
    if (!answer.ok) failed = new DOMParser().parseFromString(await answer.text(), 'text/html').body.textContent;
  } catch {
    failed = 'The studio does not answer.';
  }
  const file = failed ? null : await answer.blob();
  if (cutting !== id) return;
  status.textContent = failed;
  if (!file) return;
  URL.revokeObjectURL(cutoutUrl);
  cutoutUrl = URL.createObjectURL(file);
  picture.src = link.href = cutoutUrl;
  link.download = answer.headers.get('content-disposition').match(/"(.+)"/)[1];
  link.hidden = picture.hidden = false;
}

// ---- Keys ---------------------------------------------------------------------------------------------------------

const tabOpen = () => $('[role=tab][aria-selected=true]')?.id.replace(/^tab-|-button$/g, '') || '';

document.addEventListener('keydown', (event) => {
  const writes = event.target.closest?.('input, textarea, select, [contenteditable=true]');
  if (event.key === 'Enter' && (event.ctrlKey || event.metaKey)) {
    const go = { create: '#generate', chat: '#chat-box .submit-button', analyze: '#analyze-button' }[tabOpen()];
    if (go) { event.preventDefault(); $(go)?.click(); }
  } else if (event.key === 'Escape' && !$('dialog[open], .title-box') && !event.target.closest?.('#layout-editor')) {
    if (tabOpen() === 'chat') $('#chat-box .stop-button')?.click();
    else if (tabOpen() === 'create') $('#progress [name=cancel]')?.click();
  } else if (event.key === '/' && !writes) {
    const box = { create: '#prompt textarea', chat: '#chat-box textarea', analyze: '#question textarea', gallery: '#gallery-search' };
    const place = $(box[tabOpen()] || '#none');
    if (place) { event.preventDefault(); place.focus(); }
  } else if ($('#viewer')?.open && !writes && (event.key === 'ArrowLeft' || event.key === 'ArrowRight')) {
    event.preventDefault();
    stepLarge(event.key === 'ArrowLeft' ? -1 : 1);
  }
}, true);

// ---- What comes and goes ------------------------------------------------------------------------------------------

// The chat stays at its end while it grows, unless the person scrolled up.
let down = true;
document.addEventListener('scroll', (event) => {
  if (event.target.id === 'messages') down = event.target.scrollHeight - event.target.scrollTop - event.target.clientHeight < 80;
}, true);

document.addEventListener('load', (event) => { if (event.target.closest?.('#messages')) keepDown(); }, true);

function keepDown() {
  const messages = $('#messages');
  if (messages && down) messages.scrollTop = messages.scrollHeight;
}

// Gradio makes each radio button a group of its own, in which the arrow keys lead nowhere.
function joinRadios() {
  for (const first of $$('.wrap > label:first-child > input[type=radio]')) {
    for (const one of $$('input[type=radio]', first.closest('.wrap'))) if (one.name !== first.name) one.name = first.name;
  }
}

let gone = 0;
let changes = '';
let started = '';
let gridShown = '';
new MutationObserver(() => {
  fill();
  joinRadios();
  foldSteps();
  const grid = $('#gallery-grid');
  if (grid && !grid.dataset.watched) { grid.dataset.watched = 'yes'; sight.observe(grid); }
  const job = $('#started [data-job]')?.dataset.job;
  if (job && job !== started) {
    started = job;
    poke();
    if (innerWidth < 860) scrollTo({ top: 0, behavior: 'smooth' }); // on a phone the picture stands above
  }
  const toShow = $('#grid-shown [data-grid]')?.dataset.grid ?? '';
  if (toShow !== gridShown) { gridShown = toShow; showGrid(); }
  const change = $('#changed [data-changed]')?.dataset.changed;
  if (change !== changes) {
    changes = change;
    reloadGallery();
    if ($('#viewer')?.open) openLarge(large);
  }
  const snack = $('#snack .snack:not([data-timed])');
  if (snack) { snack.dataset.timed = 'yes'; clearTimeout(gone); gone = setTimeout(() => { snack.hidden = true; }, 12000); }
  keepDown();
  if ($('.chat-drawing:empty') && hurry <= 0 && !active) poke();
  const session = $('#chat-session [data-session]')?.dataset.session;
  if (session) localStorage.setItem('studio.session', session);
}).observe(document.body, { childList: true, subtree: true, attributes: true, attributeFilter: ['data-job', 'data-session', 'data-changed', 'data-grid'] });

document.addEventListener('visibilitychange', () => { if (!document.hidden) poll(); });
poll();
