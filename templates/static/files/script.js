// The form sends nothing yet: replace the handler by a call to a server of yours.
const form = document.querySelector('form');
const thanks = document.querySelector('.thanks');

form.addEventListener('submit', (event) => {
  event.preventDefault();
  thanks.textContent = `Thank you. We will write to ${form.email.value}.`;
  form.reset();
});
