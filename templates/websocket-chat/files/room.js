const HISTORY_MAX = 50;
const TEXT_MAX = 1000;
const NAME_MAX = 30;
const PING_MS = 30_000;

const colours = ['Amber', 'Coral', 'Indigo', 'Jade', 'Olive', 'Plum', 'Ruby', 'Slate', 'Teal', 'Violet'];
const animals = ['badger', 'crane', 'fox', 'hare', 'heron', 'lynx', 'otter', 'owl', 'seal', 'wren'];

const guests = new Map(); // socket → name
const history = [];

const anyOf = (list) => list[Math.floor(Math.random() * list.length)];

function send(socket, message) {
  if (socket.readyState === socket.OPEN) {
    socket.send(JSON.stringify(message));
  }
}

function tellAll(message) {
  for (const socket of guests.keys()) {
    send(socket, message);
  }
}

function tellWhoIsThere() {
  tellAll({ type: 'there', names: [...guests.values()].sort() });
}

function say(socket, text) {
  const said = { type: 'said', name: guests.get(socket), text, at: Date.now() };
  history.push(said);
  history.splice(0, history.length - HISTORY_MAX);
  tellAll(said);
}

function rename(socket, name) {
  guests.set(socket, name);
  tellWhoIsThere();
}

const isWords = (value) => typeof value === 'string' && value.trim() !== '';

// What comes from a browser may be anything.
function receive(socket, data) {
  let message;
  try {
    message = JSON.parse(data);
  } catch {
    return;
  }
  if (message?.type === 'say' && isWords(message.text)) {
    say(socket, message.text.slice(0, TEXT_MAX));
  } else if (message?.type === 'name' && isWords(message.name)) {
    rename(socket, message.name.slice(0, NAME_MAX));
  }
}

export function join(socket) {
  guests.set(socket, `${anyOf(colours)} ${anyOf(animals)}`);
  send(socket, { type: 'welcome', name: guests.get(socket), history });
  tellWhoIsThere();

  // A ping keeps the connection alive through proxies, and finds those that have gone silently.
  let alive = true;
  const timer = setInterval(() => {
    if (!alive) {
      socket.terminate();
    }
    alive = false;
    socket.ping();
  }, PING_MS);

  socket.on('pong', () => {
    alive = true;
  });
  socket.on('message', (data) => receive(socket, data.toString()));
  socket.on('error', (error) => console.error(error.message));
  socket.on('close', () => {
    clearInterval(timer);
    guests.delete(socket);
    tellWhoIsThere();
  });
}
