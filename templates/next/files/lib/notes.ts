export type Note = { slug: string; title: string; date: string; summary: string; text: string[] };

const notes: Note[] = [
  {
    slug: 'first-light',
    title: 'First light',
    date: '2026-05-02',
    summary: 'Up before the gulls. The harbour was a sheet of tin.',
    text: [
      'Up before the gulls. The harbour was a sheet of tin, and the only sound was a halyard that had not been tied off.',
      'The trick to being early is to have coffee ready the night before, and nobody to explain it to.',
    ],
  },
  {
    slug: 'the-wrong-map',
    title: 'The wrong map',
    date: '2026-04-18',
    summary: 'We walked nine miles on a map of the next valley over.',
    text: [
      'We walked nine miles on a map of the next valley over. It fitted better than it should have: a stream, a wall, a stand of larch.',
      'Then there was a church where no church could be, and we sat down on its steps and laughed until the warden came out.',
    ],
  },
  {
    slug: 'on-mending',
    title: 'On mending',
    date: '2026-03-30',
    summary: 'A coat holds longer where it was torn and sewn.',
    text: [
      'A coat holds longer where it was torn and sewn. The thread is stronger than the cloth, which is worth remembering.',
      'Mend in a colour you like. It will show anyway.',
    ],
  },
];

export function allNotes(): Note[] {
  return notes;
}

export function noteBySlug(slug: string): Note | undefined {
  return notes.find((note) => note.slug === slug);
}

export function dateText(date: string): string {
  return new Intl.DateTimeFormat('en', { dateStyle: 'long', timeZone: 'UTC' }).format(new Date(date));
}
