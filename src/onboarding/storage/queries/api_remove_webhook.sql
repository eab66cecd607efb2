-- Of the vendor that asks: the wall lets it see no other.
delete from webhooks where vendor_id = current_vendor()
