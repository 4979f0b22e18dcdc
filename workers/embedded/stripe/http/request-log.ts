import type { RequestRecord } from './api';

/** The newest requests, bounded: at the cap the oldest tenth is dropped. */
export class RequestLog {
  private records: RequestRecord[] = [];
  private total = 0;

  constructor(private readonly cap: number) {}

  add(record: RequestRecord): void {
    this.records.push(record);
    this.total += 1;
    if (this.records.length > this.cap) this.records.splice(0, Math.ceil(this.cap / 10));
  }

  values(): readonly RequestRecord[] {
    return [...this.records];
  }

  /** All requests ever, dropped ones included. */
  get count(): number {
    return this.total;
  }
}
