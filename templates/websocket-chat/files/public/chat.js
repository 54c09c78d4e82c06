const log = document.querySelector('#log');
const there = document.querySelector('#there');
const nameInput = document.querySelector('#name');
const form = document.querySelector('form');
const button = form.querySelector('button');
const RETRY_MS = 1000;

let socket;
let myName = sessionStorage.getItem('name');

const time = new Intl.DateTimeFormat(undefined, { hour: '2-digit', minute: '2-digit' });

function send(message) {
  socket.send(JSON.stringify(message));
}

function textElement(tag, className, text) {
  const element = document.createElement(tag);
  element.className = className;
  element.textContent = text;
  return element;
}

function show({ name, text, at }) {
  const item = textElement('li', name === myName ? 'mine' : '', '');
  item.append(textElement('b', 'who', name), textElement('p', 'text', text), textElement('time', '', time.format(at)));
  log.append(item);
  item.scrollIntoView({ block: 'end' });
}

const receive = {
  welcome({ name, history }) {
    if (myName) {
      send({ type: 'name', name: myName });
    } else {
      myName = name;
    }
    nameInput.value = myName;
    log.replaceChildren();
    history.forEach(show);
  },
  said: show,
  there({ names }) {
    there.textContent = names.length === 1 ? 'Nobody else is here yet' : `${names.length} are here: ${names.join(', ')}`;
  },
};

function connect() {
  socket = new WebSocket(new URL('chat', location.href.replace(/^http/, 'ws')));
  socket.addEventListener('open', () => {
    button.disabled = false;
  });
  socket.addEventListener('message', ({ data }) => {
    const message = JSON.parse(data);
    receive[message.type]?.(message);
  });
  socket.addEventListener('close', () => {
    button.disabled = true;
    there.textContent = 'The connection is gone. Connecting again…';
    setTimeout(connect, RETRY_MS);
  });
}

form.addEventListener('submit', (event) => {
  event.preventDefault();
  send({ type: 'say', text: form.text.value });
  form.reset();
});
nameInput.addEventListener('change', () => {
  myName = nameInput.value.trim() || myName;
  nameInput.value = myName;
  sessionStorage.setItem('name', myName);
  send({ type: 'name', name: myName });
});

connect();
