import Link from 'next/link';
import { allNotes, dateText } from '@/lib/notes';

export default function Home() {
  return (
    <>
      <h1>Walks, weather and things mended.</h1>
      <p className="lead">A small journal. Each note is one page; start with any.</p>
      <ul className="notes">
        {allNotes().map((note) => (
          <li key={note.slug}>
            <Link href={`/notes/${note.slug}`}>
              <time dateTime={note.date}>{dateText(note.date)}</time>
              <h2>{note.title}</h2>
              <p>{note.summary}</p>
            </Link>
          </li>
        ))}
      </ul>
    </>
  );
}
