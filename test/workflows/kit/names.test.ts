import { refusal } from '../../../workflows/kit/answers';
import { workflowIds } from '../../../workflows/kit/names';

// Running workflows and links in mails have these ids: another spelling would start a second workflow for the same thing.
it.each([
  [workflowIds.checkout('cart_1'), 'checkout-cart_1'],
  [workflowIds.order('ord_1'), 'order-ord_1'],
  [workflowIds.refund('rf_1'), 'refund-rf_1'],
  [workflowIds.dispute('du_1'), 'dispute-du_1'],
  [workflowIds.fraudWarning('issfr_1'), 'fraud-warning-issfr_1'],
  [workflowIds.subscription('sub_1'), 'subscription-sub_1'],
  [workflowIds.reconciliation('settlement', '2026-01-01'), 'reconciliation-settlement-2026-01-01'],
])('the id of a workflow is %s', (id, written) => {
  expect(id).toBe(written);
});

it('a refused command gives the reason', () => {
  expect(refusal('disputed', 'The bank decides.')).toEqual({
    accepted: false,
    reason: 'disputed',
    message: 'The bank decides.',
  });
});
