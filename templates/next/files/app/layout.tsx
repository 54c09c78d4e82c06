import type { Metadata } from 'next';
import Link from 'next/link';
import './globals.css';

export const metadata: Metadata = {
  title: { default: 'Field notes', template: '%s · Field notes' },
  description: 'A small journal of walks, weather and things mended.',
};

export default function RootLayout({ children }: { children: React.ReactNode }) {
  return (
    <html lang="en">
      <body>
        <header className="bar">
          <Link href="/" className="brand">
            Field notes
          </Link>
        </header>
        <main>{children}</main>
        <footer>Written slowly.</footer>
      </body>
    </html>
  );
}
