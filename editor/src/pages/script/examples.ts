// Programs to begin with, by their key in the strings.

export interface Example {
  id: string;
  code: string;
  stdin?: string;
}

export const EXAMPLES: Example[] = [
  {
    id: "hello",
    code: `const name = "world";
console.log(\`Hello, \${name}! This is Node \${process.version}.\`);
`,
  },
  {
    id: "progress",
    code: `const wait = (ms) => new Promise((resolve) => setTimeout(resolve, ms));

async function main() {
  for (let step = 1; step <= 5; step++) {
    console.log(\`Step \${step} of 5\`);
    await wait(500);
  }
  console.log("Done.");
}

main();
`,
  },
  {
    id: "input",
    code: `const numbers = require("fs")
  .readFileSync(0, "utf8")
  .split(/\\s+/)
  .filter(Boolean)
  .map(Number);

const sum = numbers.reduce((a, b) => a + b, 0);
console.log({ count: numbers.length, sum, mean: sum / numbers.length });
`,
    stdin: "3 1 4 1 5 9 2 6\n",
  },
  {
    id: "files",
    code: `// /workspace is yours: what is written there is there in the next run.
const fs = require("fs");

const file = "visits.txt";
const before = fs.existsSync(file) ? Number(fs.readFileSync(file, "utf8")) : 0;
fs.writeFileSync(file, String(before + 1));
console.log(\`This is run number \${before + 1}.\`);
`,
  },
  {
    id: "error",
    code: `console.log("So far, so good.");
console.error("This goes to stderr.");
JSON.parse("{ not JSON }");
`,
  },
];
