export function sum(numbers) {
  return numbers.reduce((total, n) => total + n, 0);
}

export function mean(numbers) {
  return sum(numbers) / numbers.length;
}
