/** A curve of bounded length, however long a run gets. */
export interface LossPoint {
  step: number;
  loss: number;
}

export class Curve {
  points: LossPoint[] = [];
  private stride = 1;

  constructor(private readonly most = 2000) {}

  /** Adds a point; when there are too many, only every 2nd, 4th, 8th … step is kept. */
  add(step: number, loss: number): void {
    if (step % this.stride !== 0) return;
    this.points.push({ step, loss });
    while (this.points.length > this.most) {
      this.stride *= 2;
      this.points = this.points.filter((point) => point.step % this.stride === 0);
    }
  }
}
