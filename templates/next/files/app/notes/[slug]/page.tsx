import type { Metadata } from 'next';
import Link from 'next/link';
import { notFound } from 'next/navigation';
import Applause from '@/app/Applause';
import { allNotes, dateText, noteBySlug } from '@/lib/notes';

type Props = { params: Promise<{ slug: string }> };

export function generateStaticParams() {
  return allNotes().map(({ slug }) => ({ slug }));
}

export async function generateMetadata({ params }: Props): Promise<Metadata> {
  const note = noteBySlug((await params).slug);
  return { title: note?.title, description: note?.summary };
}

export default async function NotePage({ params }: Props) {
  const note = noteBySlug((await params).slug);
  if (!note) {
    notFound();
  }
  return (
    <article>
      <time dateTime={note.date}>{dateText(note.date)}</time>
      <h1>{note.title}</h1>
      {note.text.map((paragraph) => (
        <p key={paragraph}>{paragraph}</p>
      ))}
      <Applause />
      <p>
        <Link href="/">All notes</Link>
      </p>
    </article>
  );
}
