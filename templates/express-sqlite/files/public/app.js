const form = document.querySelector('form');
const list = document.querySelector('#notes');
const template = document.querySelector('#note');

async function call(method, path = '', body) {
  const response = await fetch(`api/notes${path}`, {
    method,
    headers: body && { 'Content-Type': 'application/json' },
    body: body && JSON.stringify(body),
  });
  const answer = response.status === 204 ? null : await response.json();
  if (!response.ok) {
    throw new Error(answer.error);
  }
  return answer;
}

function itemOf(note) {
  const item = template.content.cloneNode(true).firstElementChild;
  const box = item.querySelector('input');

  item.classList.toggle('done', note.done);
  item.querySelector('span').textContent = note.text;
  box.checked = note.done;
  box.addEventListener('change', () => change(call('PATCH', `/${note.id}`, { done: box.checked })));
  item.querySelector('.delete').addEventListener('click', () => change(call('DELETE', `/${note.id}`)));
  return item;
}

async function show() {
  const { notes } = await call('GET');
  const open = notes.filter((note) => !note.done).length;

  list.replaceChildren(...notes.map(itemOf));
  document.querySelector('#count').textContent = notes.length ? `${open} of ${notes.length} open` : '';
  document.querySelector('#empty').hidden = notes.length > 0;
}

async function change(pending) {
  try {
    await pending;
  } catch (error) {
    alert(error.message);
  }
  await show();
}

form.addEventListener('submit', async (event) => {
  event.preventDefault();
  await change(call('POST', '', { text: form.text.value }));
  form.reset();
});

show();
