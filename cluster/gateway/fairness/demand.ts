/** How many seats a level could use, over time. Source: apiserver's pkg/util/flowcontrol, seatDemandStats in apf_controller.go and fairqueuing/integrator.go. */

/** Half of it is forgotten after five minutes of adjustments every ten seconds. */
const SMOOTHING = 0.977;
const MS_PER_S = 1_000;

/** Seats that are wanted, and what became of that figure since the last adjustment. */
export class SeatDemand {
  #seats = 0;
  #since_ms: number;
  #high = 0;
  // Sums over time, of the figure and of its square.
  #elapsed_s = 0;
  #sum = 0;
  #squares = 0;
  average = 0;
  deviation = 0;
  /** The most at any moment between the last two adjustments. */
  highWatermark = 0;
  smoothed = 0;

  constructor(now_ms: number) {
    this.#since_ms = now_ms;
  }

  set(seats: number, now_ms: number): void {
    this.#integrate(now_ms);
    this.#seats = seats;
    if (seats > this.#high) this.#high = seats;
  }

  /** Takes stock, and begins anew. */
  adjust(now_ms: number): void {
    this.#integrate(now_ms);
    this.highWatermark = this.#high;
    if (this.#elapsed_s > 0) {
      this.average = this.#sum / this.#elapsed_s;
      this.deviation = Math.sqrt(Math.max(0, this.#squares / this.#elapsed_s - this.average ** 2));
      const envelope = this.average + this.deviation;
      this.smoothed = Math.max(envelope, SMOOTHING * this.smoothed + (1 - SMOOTHING) * envelope);
    }
    this.#high = this.#seats;
    this.#elapsed_s = 0;
    this.#sum = 0;
    this.#squares = 0;
  }

  #integrate(now_ms: number): void {
    const elapsed_s = (now_ms - this.#since_ms) / MS_PER_S;
    this.#since_ms = now_ms;
    this.#elapsed_s += elapsed_s;
    this.#sum += elapsed_s * this.#seats;
    this.#squares += elapsed_s * this.#seats ** 2;
  }
}
