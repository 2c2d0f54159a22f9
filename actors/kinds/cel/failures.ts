/** An expression that is none, or that could not be evaluated; the message says why in a line. */
export class CelFailure extends Error {
  override readonly name: string = "CelFailure";
}

/** One evaluation cost more than any may. */
export class CostExceeded extends CelFailure {
  override readonly name = "CostExceeded";
  constructor() {
    super("operation cancelled: actual cost limit exceeded");
  }
}

/** There is nothing left for this expression and those after it. */
export class BudgetSpent extends CelFailure {
  override readonly name = "BudgetSpent";
  constructor() {
    super("validation failed due to running out of cost budget, no further validation rules will be run");
  }
}
