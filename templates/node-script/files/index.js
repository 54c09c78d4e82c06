import { mean, sum } from './numbers.js';

const given = process.argv.slice(2).map(Number);
const numbers = given.length > 0 ? given : [1, 2, 3, 4, 5];

if (numbers.some(Number.isNaN)) {
  console.error('Usage: node index.js [number ...]');
  process.exit(1);
}

console.log('Hello from Node.js', process.version);
console.log(`The sum of ${numbers.join(' + ')} is ${sum(numbers)}.`);
console.log(`Their mean is ${mean(numbers)}.`);
