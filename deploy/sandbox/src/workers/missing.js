// Stands in for the script of a service binding that is not there.
export default {
  fetch() {
    throw new Error("the script this service binding names does not exist");
  },
};
