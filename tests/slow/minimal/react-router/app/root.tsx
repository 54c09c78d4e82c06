import { Outlet, Scripts, ScrollRestoration } from 'react-router';

export default function App() {
  return (
    <html lang="en">
      <head><meta charSet="utf-8" /><title>React Router</title></head>
      <body><Outlet /><ScrollRestoration /><Scripts /></body>
    </html>
  );
}
