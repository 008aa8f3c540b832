//! A plugin whose PSA bills a whole period with the quantity that the invoice finds.
psa_connector_sdk::export_connector!(
    small_psa_connector::SmallPsa<small_psa_connector::NextInvoice>
);
