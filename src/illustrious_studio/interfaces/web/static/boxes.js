// What editors of boxes share (`script` in theme.py): boxes on a board, moved and resized by mouse and finger. A box has its
// centre (x, y) and its size (w, h) as shares of the board.

const KEYS = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] };
const CORNERS = [[-1, -1], [1, -1], [-1, 1], [1, 1]];
const STEP = 0.01;
const SMALLEST = 0.03;

const round = (share) => Math.round(share * 10000) / 10000;
const between = (low, value, high) => Math.min(Math.max(value, low), Math.max(low, high));

function moved(box, dx, dy) {
  const x = between(box.w / 2, box.x + dx, 1 - box.w / 2);
  return { ...box, x: round(x), y: round(between(box.h / 2, box.y + dy, 1 - box.h / 2)) };
}

function corners() {
  return CORNERS.map((corner) => make('i', { class: 'handle', 'data-corner': corner.join(' '), 'aria-hidden': 'true' }));
}

function putAt(element, box) {
  const percent = (share) => `${(share * 100).toFixed(2)}%`;
  Object.assign(element.style, {
    left: percent(box.x - box.w / 2), top: percent(box.y - box.h / 2), width: percent(box.w), height: percent(box.h),
  });
  element.classList.toggle('low', box.y - box.h / 2 < 0.08); // its name has no room above it
  const [x, y, w, h] = [box.x, box.y, box.w, box.h].map((share) => Math.round(share * 100));
  return `centre ${x}% from the left and ${y}% from the top, ${w}% wide, ${h}% high`;
}

// From a pointerdown on a box, or on one of its corners, on: `resized(box, corner, dx, dy)` is what a corner does;
// `change` gets every box on the way, `changed` is called at the end if there is another one.
function drag(event, start, { resized, change, changed }) {
  event.preventDefault();
  const element = event.currentTarget;
  const corner = event.target.dataset.corner?.split(' ').map(Number);
  const board = element.parentElement.getBoundingClientRect();
  const from = { x: event.clientX, y: event.clientY };
  let last = start;
  element.focus();
  element.setPointerCapture(event.pointerId);
  const move = (now) => {
    const [dx, dy] = [(now.clientX - from.x) / board.width, (now.clientY - from.y) / board.height];
    last = corner ? resized(start, corner, dx, dy) : moved(start, dx, dy);
    change(last);
  };
  const end = (now) => {
    element.removeEventListener('pointermove', move);
    for (const name of ['pointerup', 'pointercancel']) element.removeEventListener(name, end);
    if (now.type === 'pointercancel') change(start);
    else if (last !== start) changed();
  };
  element.addEventListener('pointermove', move);
  for (const name of ['pointerup', 'pointercancel']) element.addEventListener(name, end);
}

