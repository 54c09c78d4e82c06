import { allNotes } from '@/lib/notes';

export function GET() {
  return Response.json(allNotes().map(({ slug, title, date, summary }) => ({ slug, title, date, summary })));
}
