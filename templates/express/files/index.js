import express from 'express';

import { greet, languages } from './greetings.js';

const app = express();
const port = Number(process.env.PORT) || 3000;

app.disable('x-powered-by');
app.use(express.json());
app.use(express.static(`${import.meta.dirname}/public`));

app.get('/api/greetings', (req, res) => {
  res.json({ languages: languages() });
});

app.get('/api/greetings/:language', (req, res) => {
  const name = String(req.query.name || 'World').slice(0, 100);
  const greeting = greet(req.params.language, name);

  if (!greeting) {
    res.status(404).json({ error: `No greeting in ${req.params.language}` });
    return;
  }
  res.json({ language: req.params.language, greeting });
});

app.use((req, res) => {
  res.status(404).json({ error: 'Not found' });
});

app.use((error, req, res, next) => {
  console.error(error);
  if (res.headersSent) {
    next(error);
    return;
  }
  res.status(error.status ?? 500).json({ error: error.expose ? error.message : 'Something broke' });
});

app.listen(port, () => {
  console.log(`Listening on http://localhost:${port}`);
});
