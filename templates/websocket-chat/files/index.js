import { createServer } from 'node:http';

import express from 'express';
import { WebSocketServer } from 'ws';

import { join } from './room.js';

const app = express();
const port = Number(process.env.PORT) || 3000;

app.disable('x-powered-by');
app.use(express.static(`${import.meta.dirname}/public`));

const server = createServer(app);
const sockets = new WebSocketServer({ server, path: '/chat', maxPayload: 8 * 1024 });

sockets.on('connection', join);

server.listen(port, () => {
  console.log(`Listening on http://localhost:${port}`);
});
