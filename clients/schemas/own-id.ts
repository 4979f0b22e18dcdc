/** The syntax of an id that Holdfast or the payment provider made. */
export const OWN_ID = /^[A-Za-z0-9_.:-]{1,100}$/;
export const OWN_ID_MESSAGE = 'must be 1 to 100 letters, digits or _ . : -';
