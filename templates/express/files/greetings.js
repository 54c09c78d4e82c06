const greetings = {
  danish: 'Hej',
  english: 'Hello',
  french: 'Bonjour',
  german: 'Hallo',
  hawaiian: 'Aloha',
  spanish: 'Hola',
  swahili: 'Jambo',
};

export function languages() {
  return Object.keys(greetings);
}

// undefined for a language it does not know
export function greet(language, name) {
  return Object.hasOwn(greetings, language) ? `${greetings[language]}, ${name}!` : undefined;
}
