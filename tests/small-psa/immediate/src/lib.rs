//! A plugin whose PSA bills each day with the quantity that it had.
psa_connector_sdk::export_connector!(small_psa_connector::SmallPsa<small_psa_connector::Immediate>);
