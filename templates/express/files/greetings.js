import { Router } from 'express';

export const greetings = Router();

greetings.get('/:name', (req, res) => {
  res.json({ greeting: `Hello, ${req.params.name}!` });
});

greetings.post('/', (req, res) => {
  const name = req.body?.name;

  if (typeof name !== 'string' || name === '') {
    res.status(400).json({ error: 'Send {"name": "…"}' });
    return;
  }
  res.status(201).json({ greeting: `Hello, ${name}!` });
});
