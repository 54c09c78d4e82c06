import { readFile } from 'node:fs/promises';
import { createServer } from 'node:http';

const port = Number(process.env.PORT) || 3000;

// Only these are served, so no path can lead anywhere else.
const pages = new Map([
  ['/', { file: 'public/index.html', type: 'text/html; charset=utf-8' }],
  ['/style.css', { file: 'public/style.css', type: 'text/css; charset=utf-8' }],
  ['/counter.js', { file: 'public/counter.js', type: 'text/javascript; charset=utf-8' }],
]);

const server = createServer(async (req, res) => {
  const { pathname } = new URL(req.url, 'http://localhost');
  const page = pages.get(pathname);

  if (!page) {
    res.writeHead(404, { 'Content-Type': 'text/plain' });
    res.end('Not found\n');
    return;
  }
  try {
    const body = await readFile(new URL(page.file, import.meta.url));

    res.writeHead(200, { 'Content-Type': page.type });
    res.end(body);
  } catch (error) {
    console.error(error);
    res.writeHead(500);
    res.end();
  }
});

server.listen(port, () => {
  console.log(`Listening on http://localhost:${port}`);
});
