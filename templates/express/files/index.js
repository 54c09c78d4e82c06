import express from 'express';
import { greetings } from './greetings.js';

const app = express();
const port = Number(process.env.PORT) || 3000;

app.use(express.json());

app.get('/', (req, res) => {
  res.type('html').send('<h1>Hello from Express</h1><p>Try <a href="/api/greetings/Ada">/api/greetings/Ada</a>.</p>');
});

app.use('/api/greetings', greetings);

app.use((req, res) => {
  res.status(404).json({ error: `There is no ${req.path}` });
});

app.use((error, req, res, next) => {
  console.error(error);
  if (res.headersSent) {
    next(error);
    return;
  }
  res.status(error.status ?? 500).json({ error: 'Something went wrong' });
});

app.listen(port, (error) => {
  if (error) {
    throw error;
  }
  console.log(`Listening on http://localhost:${port}`);
});
