import { useEffect, useState } from 'react'

export type Task = { id: string; title: string; done: boolean }

const KEY = 'tasks'
const FIRST: Task[] = [
  { id: 'a', title: 'Start a new app', done: true },
  { id: 'b', title: 'Change a word in src/App.tsx and watch this page', done: false },
  { id: 'c', title: 'Take a walk', done: false },
]

// What is stored may be of another version, or unreadable.
function load(): Task[] {
  try {
    const stored: unknown = JSON.parse(localStorage.getItem(KEY) ?? 'null')
    return Array.isArray(stored) ? (stored as Task[]) : FIRST
  } catch {
    return FIRST
  }
}

// Not crypto.randomUUID, which plain http has at localhost only.
const newId = () => `${Date.now().toString(36)}-${Math.random().toString(36).slice(2)}`

export function useTasks() {
  const [tasks, setTasks] = useState(load)

  useEffect(() => {
    localStorage.setItem(KEY, JSON.stringify(tasks))
  }, [tasks])

  return {
    tasks,
    add: (title: string) => setTasks((all) => [...all, { id: newId(), title, done: false }]),
    toggle: (id: string) =>
      setTasks((all) => all.map((task) => (task.id === id ? { ...task, done: !task.done } : task))),
    remove: (id: string) => setTasks((all) => all.filter((task) => task.id !== id)),
  }
}
