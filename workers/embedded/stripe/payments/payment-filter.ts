interface OfPayment {
  readonly charge: string;
  readonly payment_intent: string;
}

/** A list's index and filter by payment: what has both `charge` and `payment_intent` is listed by either, or both. */
export function ofPayment<T>(
  params: { charge?: string; payment_intent?: string },
  object: (stored: T) => OfPayment,
): { index?: string; indexValue?: string; where: (stored: T) => boolean } {
  const { charge, payment_intent: intent } = params;
  const index =
    charge !== undefined
      ? { index: 'charge', indexValue: charge }
      : intent !== undefined
        ? { index: 'payment_intent', indexValue: intent }
        : {};
  const where = (stored: T): boolean =>
    (charge === undefined || object(stored).charge === charge) &&
    (intent === undefined || object(stored).payment_intent === intent);
  return { ...index, where };
}
