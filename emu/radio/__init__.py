"""The radio: access points and handovers, by OpenFlow."""
