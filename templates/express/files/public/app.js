const form = document.querySelector('form');
const output = document.querySelector('.greeting');

async function get(path) {
  const response = await fetch(`api/greetings${path}`);
  const body = await response.json();
  if (!response.ok) {
    throw new Error(body.error);
  }
  return body;
}

async function greet() {
  try {
    const name = encodeURIComponent(form.name.value);
    output.textContent = (await get(`/${form.language.value}?name=${name}`)).greeting;
  } catch (error) {
    output.textContent = error.message;
  }
}

const { languages } = await get('');
for (const language of languages) {
  form.language.append(new Option(language[0].toUpperCase() + language.slice(1), language));
}
form.language.value = 'english';
form.addEventListener('input', greet);
form.addEventListener('submit', (event) => event.preventDefault());
greet();
