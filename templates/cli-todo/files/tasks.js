import { existsSync, readFileSync, renameSync, writeFileSync } from 'node:fs';

export function loadTasks(file) {
  return existsSync(file) ? JSON.parse(readFileSync(file, 'utf8')) : [];
}

// Written beside and renamed, so that a crash leaves the old list and not half of the new one.
export function saveTasks(file, tasks) {
  writeFileSync(`${file}.new`, `${JSON.stringify(tasks, null, 2)}\n`);
  renameSync(`${file}.new`, file);
}

export function addTask(tasks, text) {
  if (text.trim() === '') {
    throw new Error('What is the task? node index.js add TEXT');
  }
  tasks.push({ text: text.trim(), done: false });
}

export function finishTask(tasks, number) {
  const task = tasks[number - 1];

  if (!task) {
    throw new Error(`There is no task ${number}.`);
  }
  task.done = true;
}
