import { addTask, finishTask, loadTasks, saveTasks } from './tasks.js';

const FILE = 'tasks.json';
const USAGE = `Usage:
  node index.js             list the tasks
  node index.js add TEXT    add a task
  node index.js done N      finish task N`;

function print(tasks) {
  if (tasks.length === 0) {
    console.log('Nothing to do.');
  }
  tasks.forEach((task, i) => {
    console.log(`${i + 1}. [${task.done ? 'x' : ' '}] ${task.text}`);
  });
}

const [command, ...words] = process.argv.slice(2);
const tasks = loadTasks(FILE);

try {
  if (command === 'add') {
    addTask(tasks, words.join(' '));
    saveTasks(FILE, tasks);
  } else if (command === 'done') {
    finishTask(tasks, Number(words[0]));
    saveTasks(FILE, tasks);
  } else if (command !== undefined) {
    throw new Error(USAGE);
  }
  print(tasks);
  if (command === undefined) {
    console.log(`\n${USAGE}`);
  }
} catch (error) {
  console.error(error.message);
  process.exitCode = 1;
}
