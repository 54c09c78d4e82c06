import { readFile } from 'node:fs/promises';
import { createServer } from 'node:http';
import { WebSocket, WebSocketServer } from 'ws';

const port = Number(process.env.PORT) || 3000;
const page = await readFile(new URL('chat.html', import.meta.url));

const server = createServer((req, res) => {
  if (req.url !== '/') {
    res.writeHead(404);
    res.end();
    return;
  }
  res.writeHead(200, { 'Content-Type': 'text/html; charset=utf-8' });
  res.end(page);
});

const sockets = new WebSocketServer({ server, maxPayload: 4096 });

function broadcast(text) {
  for (const socket of sockets.clients) {
    if (socket.readyState === WebSocket.OPEN) {
      socket.send(text);
    }
  }
}

sockets.on('connection', (socket) => {
  broadcast(`${sockets.clients.size} in the room`);
  socket.on('message', (data) => broadcast(data.toString()));
  socket.on('error', (error) => console.error(error.message));
});

server.listen(port, () => {
  console.log(`Listening on http://localhost:${port}`);
});
