// A countdown. Time is taken from the clock: browsers let timers of hidden pages run late.
export class Timer {
  total = $state(0)
  left = $state(0)
  running = $state(false)
  finished = $derived(this.total > 0 && this.left === 0)

  #endsAt = 0
  #interval: ReturnType<typeof setInterval> | undefined

  constructor(seconds: number) {
    this.set(seconds)
  }

  set(seconds: number) {
    this.pause()
    this.total = seconds
    this.left = seconds
  }

  start() {
    if (this.left === 0) {
      this.left = this.total
    }
    this.#endsAt = Date.now() + this.left * 1000
    this.running = true
    this.#interval = setInterval(() => this.#tick(), 200)
  }

  pause() {
    clearInterval(this.#interval)
    this.running = false
  }

  #tick() {
    this.left = Math.max(0, Math.ceil((this.#endsAt - Date.now()) / 1000))
    if (this.left === 0) {
      this.pause()
    }
  }
}
