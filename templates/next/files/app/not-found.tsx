import Link from 'next/link';

export default function NotFound() {
  return (
    <>
      <h1>Nothing is written here.</h1>
      <p>
        <Link href="/">All notes</Link>
      </p>
    </>
  );
}
